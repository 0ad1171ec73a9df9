import { Art } from "../art/art.tsx";
import { cart, cartTotal, setQuantity } from "../cart.ts";
import { money } from "../format.ts";
import { useTitle } from "../hooks.ts";
import { Stepper } from "../parts/controls.tsx";
import { Link } from "../router.tsx";
import { account, loginFor } from "../session.ts";

/** What the visitor means to buy. */
export function CartPage() {
  useTitle("Cart");
  if (cart.value.length === 0)
    return (
      <div class="wide empty">
        <h1>Your cart is empty</h1>
        <p>There is a lot of room in it.</p>
        <Link to="/" class="button">
          Look around
        </Link>
      </div>
    );
  return (
    <div class="wide">
      <h1 class="page-title">Cart</h1>
      <div class="columns">
        <CartLines />
        <aside class="panel" aria-label="Sum">
          <dl class="sums">
            <div>
              <dt>Goods</dt>
              <dd>{money(cartTotal.value)}</dd>
            </div>
            <div>
              <dt>Shipping</dt>
              <dd>Free</dd>
            </div>
            <div class="sums-total">
              <dt>Total</dt>
              <dd>{money(cartTotal.value)}</dd>
            </div>
          </dl>
          <Link to={account.value ? "/checkout" : loginFor("/checkout")} class="button button-wide">
            Check out
          </Link>
          <Link to="/" class="panel-link">
            Keep looking
          </Link>
        </aside>
      </div>
    </div>
  );
}

function CartLines() {
  return (
    <ul class="lines">
      {cart.value.map(({ sku, name, image, price, quantity }) => (
        <li key={sku} class="line">
          <Link to={`/products/${sku}`} class="line-art" tabIndex={-1} aria-hidden="true">
            <Art image={image} />
          </Link>
          <div class="line-text">
            <Link to={`/products/${sku}`} class="line-name">
              {name}
            </Link>
            <span class="line-unit">{money(price)} each</span>
            <div class="line-actions">
              <Stepper
                label={`How many of ${name}`}
                value={quantity}
                max={99}
                onChange={(to) => setQuantity(sku, to)}
              />
              <button type="button" class="quiet" onClick={() => setQuantity(sku, 0)} aria-label={`Take out ${name}`}>
                Take out
              </button>
            </div>
          </div>
          <span class="line-sum">{money({ ...price, cents: price.cents * quantity })}</span>
        </li>
      ))}
    </ul>
  );
}
