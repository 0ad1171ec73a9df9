import { useState } from "preact/hooks";
import { type Category, get, type Product, type ProductPage } from "../api.ts";
import { useDoing, useLoaded, useTitle } from "../hooks.ts";
import { Skeleton, Trouble } from "../parts/controls.tsx";
import { Hero } from "../parts/hero.tsx";
import { SearchIcon } from "../parts/icons.tsx";
import { ProductCard } from "../parts/product-card.tsx";
import { navigate, place } from "../router.tsx";

const pageSize = 12;
const sorts = {
  featured: "Our order",
  name: "Name",
  "price-ascending": "Price, low first",
  "price-descending": "Price, high first",
};
const ceilings = [2500, 5000, 10000, 20000];

interface Filters {
  readonly text: string;
  readonly category: string;
  readonly maxCents: string;
  readonly inStock: string;
  readonly sort: string;
}

/** The catalogue: what is asked for stands in the address, so it can be shared and gone back to. */
export function ShopPage() {
  useTitle("");
  const filters = filtersOf(place.value.query);
  const query = { ...filters, pageSize };
  const page = useLoaded(() => get<ProductPage>("/products", query), [JSON.stringify(query)]);
  const categories = useLoaded(() => get<{ categories: Category[] }>("/categories"), []);
  const untouched = Object.values(filters).every((value) => value === "");
  return (
    <>
      {untouched && <Hero />}
      <section class="wide shop" aria-labelledby="goods">
        <h2 id="goods" class="unseen">
          Goods
        </h2>
        <FilterBar filters={filters} categories={categories.data?.categories ?? []} />
        <Trouble error={page.error} />
        {page.data ? (
          <Results key={JSON.stringify(query)} first={page.data} query={query} />
        ) : (
          !page.error && <GridSkeleton />
        )}
      </section>
    </>
  );
}

function filtersOf(query: URLSearchParams): Filters {
  const of = (name: string) => query.get(name) ?? "";
  return {
    text: of("text"),
    category: of("category"),
    maxCents: of("maxCents"),
    inStock: of("inStock"),
    sort: of("sort"),
  };
}

function setFilter(filters: Filters, change: Partial<Filters>): void {
  const wanted = Object.entries({ ...filters, ...change }).filter(([, value]) => value !== "");
  const query = new URLSearchParams(wanted).toString();
  navigate(query ? `/?${query}` : "/", { replace: true });
}

function FilterBar({ filters, categories }: { readonly filters: Filters; readonly categories: readonly Category[] }) {
  const set = (change: Partial<Filters>) => setFilter(filters, change);
  return (
    <search class="filters">
      <div class="chips">
        <Chip on={filters.category === ""} onClick={() => set({ category: "" })}>
          Everything
        </Chip>
        {categories.map(({ name }) => (
          <Chip key={name} on={filters.category === name} onClick={() => set({ category: name })}>
            {name}
          </Chip>
        ))}
      </div>
      <div class="filter-row">
        <label class="search">
          <SearchIcon />
          <span class="unseen">Search</span>
          <input
            type="search"
            placeholder="Search the shop"
            value={filters.text}
            onInput={(event) => set({ text: event.currentTarget.value })}
          />
        </label>
        <label class="select">
          <span class="unseen">Price</span>
          <select value={filters.maxCents} onChange={(event) => set({ maxCents: event.currentTarget.value })}>
            <option value="">Any price</option>
            {ceilings.map((cents) => (
              <option key={cents} value={cents}>
                Up to €{cents / 100}
              </option>
            ))}
          </select>
        </label>
        <label class="select">
          <span class="unseen">Order</span>
          <select value={filters.sort} onChange={(event) => set({ sort: event.currentTarget.value })}>
            {Object.entries(sorts).map(([value, words]) => (
              <option key={value} value={value === "featured" ? "" : value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={filters.inStock === "true"}
            onChange={(event) => set({ inStock: event.currentTarget.checked ? "true" : "" })}
          />
          In stock
        </label>
      </div>
    </search>
  );
}

interface ChipProps {
  readonly on: boolean;
  readonly onClick: () => void;
  readonly children: preact.ComponentChildren;
}

function Chip({ on, onClick, children }: ChipProps) {
  return (
    <button type="button" class="chip" aria-pressed={on} onClick={onClick}>
      {children}
    </button>
  );
}

interface ResultsProps {
  readonly first: ProductPage;
  readonly query: Filters & { readonly pageSize: number };
}

function Results({ first, query }: ResultsProps) {
  const [more, setMore] = useState<{ products: readonly Product[]; token: string }>({
    products: [],
    token: first.nextPageToken,
  });
  const next = useDoing(async () => {
    const page = await get<ProductPage>("/products", { ...query, pageToken: more.token });
    setMore({ products: [...more.products, ...page.products], token: page.nextPageToken });
  });
  const products = [...first.products, ...more.products];
  if (products.length === 0) return <Nothing />;
  return (
    <>
      <ul class="grid">
        {products.map((product) => (
          <ProductCard key={product.sku} product={product} />
        ))}
      </ul>
      <div class="more">
        <p>
          {products.length} of {first.total}
        </p>
        {more.token && (
          <button type="button" class="button button-plain" disabled={next.busy} onClick={() => void next.run()}>
            Show more
          </button>
        )}
        <Trouble error={next.error} />
      </div>
    </>
  );
}

function Nothing() {
  return (
    <div class="empty">
      <h3>Nothing fits that</h3>
      <p>Try another word, or take a filter away.</p>
      <button type="button" class="button button-plain" onClick={() => navigate("/", { replace: true })}>
        Show everything
      </button>
    </div>
  );
}

function GridSkeleton() {
  return (
    <div class="grid" aria-busy="true">
      {Array.from({ length: 8 }, (_, index) => (
        <Skeleton key={index} class="skeleton-card" />
      ))}
    </div>
  );
}
