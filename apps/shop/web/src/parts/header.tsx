import { cartCount } from "../cart.ts";
import { money } from "../format.ts";
import { Link, place } from "../router.tsx";
import { account, balance, logOut } from "../session.ts";
import { BagIcon, JointIcon } from "./icons.tsx";

/** What stands above every page. */
export function Header() {
  return (
    <header class="header">
      <div class="wide header-row">
        <Link to="/" class="brand" aria-label="Tenon, to the start">
          <JointIcon />
          <span>Tenon</span>
        </Link>
        <nav class="nav" aria-label="Shop">
          <NavLink to="/">Shop</NavLink>
          {account.value && <NavLink to="/orders">Orders</NavLink>}
          {account.value && (
            <NavLink to="/wallet">
              Wallet{balance.value && <span class="nav-balance">{money(balance.value)}</span>}
            </NavLink>
          )}
        </nav>
        <div class="header-end">
          <Who />
          <Link to="/cart" class="bag" aria-label={`Cart, ${cartCount.value} items`}>
            <BagIcon />
            {cartCount.value > 0 && (
              <span class="bag-count" key={cartCount.value}>
                {cartCount.value}
              </span>
            )}
          </Link>
        </div>
      </div>
    </header>
  );
}

function NavLink({ to, children }: { readonly to: string; readonly children: preact.ComponentChildren }) {
  const here = to === "/" ? place.value.path === "/" : place.value.path.startsWith(to);
  return (
    <Link to={to} class="nav-link" aria-current={here ? "page" : undefined}>
      {children}
    </Link>
  );
}

function Who() {
  if (account.value === undefined) return null;
  if (account.value === null)
    return (
      <Link to="/login" class="nav-link">
        Log in
      </Link>
    );
  return (
    <div class="who">
      <span class="who-name" title={account.value.email}>
        {account.value.name}
      </span>
      <button type="button" class="quiet" onClick={() => void logOut()}>
        Log out
      </button>
    </div>
  );
}
