import type { Product } from "../api.ts";
import { Art } from "../art/art.tsx";
import { money } from "../format.ts";
import { Link } from "../router.tsx";

/** A product in a grid. */
export function ProductCard({ product }: { readonly product: Product }) {
  const { sku, name, summary, price, image, available } = product;
  return (
    <li class={available === 0 ? "card card-gone" : "card"}>
      <Link to={`/products/${sku}`} class="card-link">
        <Art image={image} class="card-art" />
        <StockBadge available={available} />
        <div class="card-text">
          <h3>{name}</h3>
          <span class="price">{money(price)}</span>
          <p>{summary}</p>
        </div>
      </Link>
    </li>
  );
}

function StockBadge({ available }: { readonly available: number }) {
  if (available === 0) return <span class="badge badge-gone">Sold out</span>;
  if (available <= 5) return <span class="badge badge-few">Only {available} left</span>;
  return null;
}
