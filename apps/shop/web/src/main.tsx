import { render } from "preact";
import { CartPage } from "./pages/cart.tsx";
import { CheckoutPage } from "./pages/checkout.tsx";
import { LoginPage, RegisterPage } from "./pages/enter.tsx";
import { NotFoundPage } from "./pages/not-found.tsx";
import { OrderPageOf } from "./pages/order.tsx";
import { OrdersPage } from "./pages/orders.tsx";
import { ProductPageOf } from "./pages/product.tsx";
import { ShopPage } from "./pages/shop.tsx";
import { WalletPage } from "./pages/wallet.tsx";
import { Header } from "./parts/header.tsx";
import { Toast } from "./parts/toast.tsx";
import { after, place } from "./router.tsx";
import { loadSession } from "./session.ts";

const pages: Readonly<Record<string, () => preact.JSX.Element>> = {
  "/": ShopPage,
  "/cart": CartPage,
  "/checkout": CheckoutPage,
  "/login": LoginPage,
  "/register": RegisterPage,
  "/orders": OrdersPage,
  "/wallet": WalletPage,
};

function Page() {
  const { path } = place.value;
  const sku = after("/products/", path);
  if (sku !== undefined) return <ProductPageOf sku={sku} />;
  const order = after("/orders/", path);
  if (order !== undefined) return <OrderPageOf id={order} />;
  const Fixed = pages[path] ?? NotFoundPage;
  return <Fixed />;
}

function Shop() {
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
      <footer class="footer">
        <div class="wide">
          <p>
            Tenon is a demonstration. Nothing is sold, no money moves, and everything you see runs on this machine, on{" "}
            <b>Mortise</b>.
          </p>
        </div>
      </footer>
      <Toast />
    </>
  );
}

const root = document.getElementById("app");
if (root) render(<Shop />, root);
void loadSession();
