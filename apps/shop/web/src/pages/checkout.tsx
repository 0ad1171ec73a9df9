import { useEffect, useMemo, useState } from "preact/hooks";
import { type Coupon, get, type Money, type Order, post, Refused } from "../api.ts";
import { Art } from "../art/art.tsx";
import { cart, cartTotal, emptyCart } from "../cart.ts";
import { money } from "../format.ts";
import { useDoing, useLoaded, useTitle } from "../hooks.ts";
import { Trouble } from "../parts/controls.tsx";
import { Link, navigate } from "../router.tsx";
import { account, balance, loadBalance, loginFor } from "../session.ts";

/** The last look before the order is placed. */
export function CheckoutPage() {
  useTitle("Check out");
  const items = cart.value.map(({ sku, quantity }) => ({ sku, quantity }));
  // The key stays until the shop has answered: pressing twice, or again after a lost answer, places one order.
  const [refusals, setRefusals] = useState(0);
  const [coupon, setCoupon] = useState<Coupon>();
  const key = useMemo(() => crypto.randomUUID(), [JSON.stringify(items), coupon?.code, refusals]);
  const placing = useDoing(async () => {
    const order = await post<Order>("/orders", { items, coupon: coupon?.code ?? "" }, key).catch((error: unknown) => {
      if (error instanceof Refused && error.status >= 400 && error.status < 500) setRefusals(refusals + 1);
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
          {account.value && <Coupons price={full} chosen={coupon} onChoose={setCoupon} />}
          <Sums total={full} discount={discount} />
          <Refusal error={placing.error} />
          <button
            type="button"
            class="button button-wide"
            disabled={placing.busy || items.length === 0}
            onClick={() => void placing.run()}
          >
            {placing.busy ? "Placing your order…" : `Pay ${money(toPay)}`}
          </button>
        </aside>
      </div>
    </div>
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

function Sums({ total, discount }: { readonly total: Money; readonly discount: Money }) {
  const held = balance.value;
  const after = held && { ...held, cents: held.cents - total.cents + discount.cents };
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
      <div class="sums-total">
        <dt>Left after it</dt>
        <dd class={after && after.cents < 0 ? "short" : ""}>{after ? money(after) : "…"}</dd>
      </div>
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
