import { useEffect, useState } from "preact/hooks";
import { type Coupon, get, isFinalNo, type Money, type Order, post, type Refused } from "../api.ts";
import { Art } from "../art/art.tsx";
import { cart, cartTotal, emptyCart } from "../cart.ts";
import { money } from "../format.ts";
import { useDoing, useKey, useLoaded, useTitle } from "../hooks.ts";
import { Trouble } from "../parts/controls.tsx";
import { Link, navigate } from "../router.tsx";
import { account, balance, loadBalance, loginFor } from "../session.ts";

/** The last look before the order is placed. */
export function CheckoutPage() {
  useTitle("Check out");
  const items = cart.value.map(({ sku, quantity }) => ({ sku, quantity }));
  const [coupon, setCoupon] = useState<Coupon>();
  const [pay, setPay] = useState<Pay>("now");
  // The key stays until the shop has answered: pressing twice, or again after a lost answer, places one order.
  const { key, renew } = useKey([JSON.stringify(items), coupon?.code, pay]);
  const placing = useDoing(async () => {
    const asked = { items, coupon: coupon?.code ?? "", pay };
    const order = await post<Order>("/orders", asked, key).catch((error: unknown) => {
      if (isFinalNo(error)) renew();
      throw error;
    });
    emptyCart();
    navigate(`/orders/${order.id}`, { replace: true });
    await loadBalance();
  });
  const signedOut = account.value === null;
  useEffect(() => {
    if (signedOut) navigate(loginFor("/checkout"), { replace: true });
    else if (items.length === 0 && !placing.busy) navigate("/cart", { replace: true });
  }, [signedOut, items.length === 0]);

  const full = cartTotal.value;
  const discount = { ...full, cents: coupon ? Math.floor((full.cents * coupon.percent) / 100) : 0 };
  const toPay = { ...full, cents: full.cents - discount.cents };

  return (
    <div class="wide">
      <h1 class="page-title">Check out</h1>
      <div class="columns">
        <ul class="lines">
          {cart.value.map(({ sku, name, image, price, quantity }) => (
            <li key={sku} class="line line-small">
              <span class="line-art">
                <Art image={image} />
              </span>
              <div class="line-text">
                <span class="line-name">{name}</span>
                <span class="line-unit">
                  {quantity} × {money(price)}
                </span>
              </div>
              <span class="line-sum">{money({ ...price, cents: price.cents * quantity })}</span>
            </li>
          ))}
        </ul>
        <aside class="panel" aria-label="Payment">
          <h2>Pay with your wallet</h2>
          <Ways chosen={pay} onChoose={setPay} />
          {account.value && <Coupons price={full} chosen={coupon} onChoose={setCoupon} />}
          <Sums total={full} discount={discount} pay={pay} />
          <Refusal error={placing.error} />
          <button
            type="button"
            class="button button-wide"
            disabled={placing.busy || items.length === 0}
            onClick={() => void placing.run()}
          >
            {placing.busy ? "Placing your order…" : pay === "now" ? `Pay ${money(toPay)}` : "Order, and pay later"}
          </button>
          {pay === "later" && <p class="panel-note">Nothing is charged until you pay on the page of your order.</p>}
        </aside>
      </div>
    </div>
  );
}

type Pay = "now" | "later";

const ways: readonly { readonly pay: Pay; readonly name: string; readonly what: string }[] = [
  { pay: "now", name: "Pay now", what: "and it is on its way" },
  { pay: "later", name: "Pay later", what: "we keep it for you for a while" },
];

/** When the order is to be paid. */
function Ways({ chosen, onChoose }: { readonly chosen: Pay; readonly onChoose: (pay: Pay) => void }) {
  return (
    <fieldset class="ways">
      <legend class="unseen">When to pay</legend>
      {ways.map(({ pay, name, what }) => (
        <label key={pay} class="way">
          <input type="radio" name="pay" checked={chosen === pay} onChange={() => onChoose(pay)} />
          <span class="way-name">{name}</span>
          <span class="way-what">{what}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface CouponsProps {
  readonly price: Money;
  readonly chosen: Coupon | undefined;
  readonly onChoose: (coupon: Coupon | undefined) => void;
}

/** The coupons that may be used for this price. */
function Coupons({ price, chosen, onChoose }: CouponsProps) {
  const list = useLoaded(() => get<{ coupons: readonly Coupon[] }>("/coupons"), []);
  const fitting = (list.data?.coupons ?? []).filter(({ used, minimum }) => !used && price.cents >= minimum.cents);
  if (fitting.length === 0) return null;
  return (
    <fieldset class="coupons">
      <legend>Coupons</legend>
      {fitting.map((coupon) => (
        <button
          key={coupon.code}
          type="button"
          class="chip"
          aria-pressed={chosen?.code === coupon.code}
          onClick={() => onChoose(chosen?.code === coupon.code ? undefined : coupon)}
        >
          {coupon.title}
        </button>
      ))}
    </fieldset>
  );
}

interface SumsProps {
  readonly total: Money;
  readonly discount: Money;
  readonly pay: Pay;
}

function Sums({ total, discount, pay }: SumsProps) {
  const held = balance.value;
  const toPay = { ...total, cents: total.cents - discount.cents };
  const after = held && { ...held, cents: held.cents - toPay.cents };
  return (
    <dl class="sums">
      <div>
        <dt>In your wallet</dt>
        <dd>{held ? money(held) : "…"}</dd>
      </div>
      <div>
        <dt>This order</dt>
        <dd>{money(total)}</dd>
      </div>
      {discount.cents > 0 && (
        <div>
          <dt>Your coupon</dt>
          <dd>−{money(discount)}</dd>
        </div>
      )}
      {pay === "now" ? (
        <div class="sums-total">
          <dt>Left after it</dt>
          <dd class={after && after.cents < 0 ? "short" : ""}>{after ? money(after) : "…"}</dd>
        </div>
      ) : (
        <div class="sums-total">
          <dt>To pay later</dt>
          <dd>{money(toPay)}</dd>
        </div>
      )}
    </dl>
  );
}

/** A refused order, with the way out of it. */
function Refusal({ error }: { readonly error: Refused | undefined }) {
  return (
    <>
      <Trouble error={error} />
      {error?.reason === "INSUFFICIENT_FUNDS" && (
        <Link to="/wallet" class="panel-link">
          Top up the wallet
        </Link>
      )}
      {error?.reason === "OUT_OF_STOCK" && (
        <Link to="/cart" class="panel-link">
          Change the cart
        </Link>
      )}
    </>
  );
}
