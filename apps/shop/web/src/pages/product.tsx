import { useState } from "preact/hooks";
import { get, type Product, type ProductPage, type StockLevel } from "../api.ts";
import { Art } from "../art/art.tsx";
import { addToCart, cart } from "../cart.ts";
import { money } from "../format.ts";
import { useEvents, useLoaded, useTitle } from "../hooks.ts";
import { Skeleton, Stepper, Trouble } from "../parts/controls.tsx";
import { ProductCard } from "../parts/product-card.tsx";
import { tell } from "../parts/toast.tsx";
import { Link } from "../router.tsx";
import { NotFoundPage } from "./not-found.tsx";

/** One product, with its stock as it is at this moment. */
export function ProductPageOf({ sku }: { readonly sku: string }) {
  const { data, error } = useLoaded(() => get<Product>(`/products/${encodeURIComponent(sku)}`), [sku]);
  useTitle(data?.name ?? "");
  if (error?.status === 404) return <NotFoundPage />;
  if (error) return <Trouble error={error} />;
  if (!data || data.sku !== sku) return <Skeleton class="skeleton-page" />;
  return <Details key={sku} product={data} />;
}

function Details({ product }: { readonly product: Product }) {
  const { sku, name, category, summary, description, price, image } = product;
  const [available, setAvailable] = useState(product.available);
  const [quantity, setQuantity] = useState(1);
  useEvents<StockLevel[]>(`/api/stock/events?sku=${encodeURIComponent(sku)}`, "stock", ([level]) => {
    if (level) setAvailable(level.onHand - level.frozen);
  });
  const held = cart.value.find((line) => line.sku === sku)?.quantity ?? 0;
  const most = Math.min(available, 99);

  const add = () => {
    addToCart(product, Math.min(quantity, most));
    setQuantity(1);
    tell(
      <>
        {name} is in your cart. <Link to="/cart">See the cart</Link>
      </>,
    );
  };

  return (
    <div class="wide">
      <nav class="crumbs" aria-label="Where you are">
        <Link to="/">Shop</Link>
        <span aria-hidden="true">/</span>
        <Link to={`/?category=${encodeURIComponent(category)}`}>{category}</Link>
      </nav>
      <article class="product">
        <Art image={image} class="product-art" />
        <div class="product-text">
          <h1>{name}</h1>
          <p class="product-summary">{summary}</p>
          <p class="product-price">{money(price)}</p>
          <p class="product-description">{description}</p>
          <p class={`stock ${stockClass(available)}`} aria-live="polite">
            <span class="stock-dot" aria-hidden="true" />
            {stockWords(available)}
          </p>
          <div class="buy">
            <Stepper label="How many" value={Math.min(quantity, Math.max(most, 1))} max={most} onChange={setQuantity} />
            <button type="button" class="button" disabled={available < 1} onClick={add}>
              {available < 1 ? "Sold out" : "Add to cart"}
            </button>
          </div>
          {held > 0 && (
            <p class="held">
              {held} in your cart. <Link to="/cart">Go to the cart</Link>
            </p>
          )}
        </div>
      </article>
      <Siblings category={category} sku={sku} />
    </div>
  );
}

function stockWords(available: number): string {
  if (available < 1) return "Sold out for now";
  return available <= 5 ? `Only ${available} left` : `${available} in stock`;
}

function stockClass(available: number): string {
  if (available < 1) return "stock-gone";
  return available <= 5 ? "stock-few" : "stock-there";
}

function Siblings({ category, sku }: { readonly category: string; readonly sku: string }) {
  const { data } = useLoaded(() => get<ProductPage>("/products", { category, pageSize: 5 }), [category]);
  const others = data?.products.filter((product) => product.sku !== sku).slice(0, 4) ?? [];
  if (others.length === 0) return null;
  return (
    <section class="siblings" aria-labelledby="siblings">
      <h2 id="siblings">More for the {category.toLowerCase()} shelf</h2>
      <ul class="grid">
        {others.map((product) => (
          <ProductCard key={product.sku} product={product} />
        ))}
      </ul>
    </section>
  );
}
