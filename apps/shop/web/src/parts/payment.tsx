import { isFinalNo, type Order, post } from "../api.ts";
import { money, timeLeft, timeOf } from "../format.ts";
import { useDoing, useKey, useNow } from "../hooks.ts";
import { Link } from "../router.tsx";
import { balance, loadBalance } from "../session.ts";
import { Trouble } from "./controls.tsx";

interface PaymentProps {
  readonly order: Order;
  readonly onPaid: (order: Order) => void;
}

/** How long an order may still be paid, and the button that pays it. */
export function Payment({ order: { id, total, payBy = "" }, onPaid }: PaymentProps) {
  // The key stays until the shop has answered: pressing twice, or again after a lost answer, pays once.
  const { key, renew } = useKey([id]);
  const paying = useDoing(async () => {
    const paid = await post<Order>(`/orders/${id}/pay`, {}, key).catch((error: unknown) => {
      if (isFinalNo(error)) renew();
      throw error;
    });
    onPaid(paid);
    await loadBalance();
  });
  const now = useNow();
  const left = timeLeft(payBy, now);
  const held = balance.value;
  const short = held !== undefined && held.cents < total.cents;
  if (!left)
    return (
      <div class="pay-by pay-by-over">
        <p class="pay-by-when">The time to pay is over</p>
        <p class="pay-by-left">The order is being cancelled. Nothing was charged.</p>
      </div>
    );
  return (
    <>
      <div class="pay-by">
        <p class="pay-by-when">Pay by {timeOf(payBy, now)}</p>
        <p class="pay-by-left">{left} left. Until then it is kept for you.</p>
      </div>
      <p class={short ? "panel-note short" : "panel-note"}>In your wallet: {held ? money(held) : "…"}</p>
      <button type="button" class="button button-wide" disabled={paying.busy} onClick={() => void paying.run()}>
        {paying.busy ? "Paying…" : `Pay ${money(total)}`}
      </button>
      <Trouble error={paying.error} />
      {(short || paying.error?.reason === "INSUFFICIENT_FUNDS") && (
        <Link to={`/wallet?next=${encodeURIComponent(`/orders/${id}`)}`} class="panel-link">
          Top up the wallet
        </Link>
      )}
    </>
  );
}
