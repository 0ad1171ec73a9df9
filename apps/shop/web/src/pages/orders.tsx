import { useState } from "preact/hooks";
import { get, type Order } from "../api.ts";
import { Art } from "../art/art.tsx";
import { moment, money, shortId, timeOf } from "../format.ts";
import { useDoing, useLoaded, useTitle } from "../hooks.ts";
import { Skeleton, Trouble } from "../parts/controls.tsx";
import { StatusPill } from "../parts/status.tsx";
import { Link } from "../router.tsx";

interface Page {
  readonly orders: readonly Order[];
  readonly nextPageToken: string;
}

const pageSize = 10;

/** All orders of the customer, the newest first. */
export function OrdersPage() {
  useTitle("Orders");
  const { data, error } = useLoaded(() => get<Page>("/orders", { pageSize }), []);
  if (error) return <Trouble error={error} />;
  if (!data) return <Skeleton class="skeleton-page" />;
  if (data.orders.length === 0)
    return (
      <div class="wide empty">
        <h1>No orders yet</h1>
        <p>What you buy will be listed here.</p>
        <Link to="/" class="button">
          Look around
        </Link>
      </div>
    );
  return (
    <div class="wide narrow">
      <h1 class="page-title">Orders</h1>
      <OrderList first={data} />
    </div>
  );
}

function OrderList({ first }: { readonly first: Page }) {
  const [page, setPage] = useState(first);
  const next = useDoing(async () => {
    const more = await get<Page>("/orders", { pageSize, pageToken: page.nextPageToken });
    setPage({ orders: [...page.orders, ...more.orders], nextPageToken: more.nextPageToken });
  });
  return (
    <>
      <ul class="order-list">
        {page.orders.map((order) => (
          <OrderRow key={order.id} order={order} />
        ))}
      </ul>
      {page.nextPageToken && (
        <div class="more">
          <button type="button" class="button button-plain" disabled={next.busy} onClick={() => void next.run()}>
            Show older ones
          </button>
        </div>
      )}
      <Trouble error={next.error} />
    </>
  );
}

function OrderRow({ order }: { readonly order: Order }) {
  const { id, status, total, createdAt, payBy, lines } = order;
  return (
    <li>
      <Link to={`/orders/${id}`} class="order-row">
        <span class="order-thumbs" aria-hidden="true">
          {lines.slice(0, 3).map(({ sku, image }) => (
            <Art key={sku} image={image} />
          ))}
        </span>
        <span class="order-what">
          <span class="order-names">{lines.map((line) => line.name).join(", ")}</span>
          <span class="order-when">
            <code>{shortId(id)}</code> ·{" "}
            {status === "AWAITING_PAYMENT" && payBy ? `pay by ${timeOf(payBy, Date.now())}` : moment(createdAt)}
          </span>
        </span>
        <StatusPill status={status} />
        <span class="order-total">{money(total)}</span>
      </Link>
    </li>
  );
}
