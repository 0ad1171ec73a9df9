import { get, type Order, type OrderStatus, post } from "../api.ts";
import { Art } from "../art/art.tsx";
import { cancelWords, clock, moment, money, shortId, statusWords } from "../format.ts";
import { useDoing, useEvents, useLoaded, useTitle } from "../hooks.ts";
import { Skeleton, Trouble } from "../parts/controls.tsx";
import { CrossIcon, TickIcon, TraceIcon } from "../parts/icons.tsx";
import { Payment } from "../parts/payment.tsx";
import { StatusPill } from "../parts/status.tsx";
import { Link } from "../router.tsx";
import { loadBalance } from "../session.ts";
import { NotFoundPage } from "./not-found.tsx";

/** One order, followed live until it has come to its end. */
export function OrderPageOf({ id }: { readonly id: string }) {
  useTitle(`Order ${shortId(id)}`);
  const { data: order, error, set } = useLoaded(() => get<Order>(`/orders/${id}`), [id]);
  const live = order && !isFinal(order.status) ? `/api/orders/${id}/events` : undefined;
  useEvents<Order>(live, "order", set);
  const cancelling = useDoing(async () => {
    set(await post<Order>(`/orders/${id}/cancel`));
    await loadBalance();
  });
  if (error?.status === 404) return <NotFoundPage />;
  if (error) return <Trouble error={error} />;
  if (!order) return <Skeleton class="skeleton-page" />;
  return (
    <div class="wide">
      <nav class="crumbs" aria-label="Where you are">
        <Link to="/orders">Orders</Link>
      </nav>
      <div class="order-head">
        <h1 class="page-title">{headline(order.status)}</h1>
        <StatusPill status={order.status} />
      </div>
      <p class="order-sub">
        Order <code>{shortId(order.id)}</code>, {moment(order.createdAt)}
      </p>
      <div class="columns">
        <div>
          <Timeline order={order} />
          {order.cancelReason && <p class="notice">{cancelWords(order)}</p>}
          <OrderLines order={order} />
        </div>
        <aside class="panel" aria-label="About this order">
          <dl class="sums">
            {order.discount.cents > 0 && (
              <div>
                <dt>Your coupon</dt>
                <dd>−{money(order.discount)}</dd>
              </div>
            )}
            <div class="sums-total">
              <dt>Total</dt>
              <dd>{money(order.total)}</dd>
            </div>
          </dl>
          {order.status === "AWAITING_PAYMENT" && <Payment order={order} onPaid={set} />}
          <Traces order={order} />
          {cancellable.includes(order.status) && (
            <button type="button" class="quiet" disabled={cancelling.busy} onClick={() => void cancelling.run()}>
              Cancel this order
            </button>
          )}
          <Trouble error={cancelling.error} />
        </aside>
      </div>
    </div>
  );
}

/** The requests that made the order: one, or two where it was paid later. */
function Traces({ order: { traceId, paymentTraceId, payBy } }: { readonly order: Order }) {
  const traces = [
    { id: traceId, what: payBy ? "See how it was placed" : "See how it was made" },
    { id: paymentTraceId, what: "See how it was paid" },
  ].filter(({ id }) => id !== "");
  if (traces.length === 0) return null;
  return (
    <>
      {traces.map(({ id, what }) => (
        <a key={id} class="button button-plain button-wide trace-link" href={`/traces/${id}`}>
          <TraceIcon /> {what}
        </a>
      ))}
      <p class="panel-note">
        {traces.length > 1 ? "Each is one request" : "One request"}, service by service, and how long each took.
      </p>
    </>
  );
}

const cancellable: readonly OrderStatus[] = ["PENDING", "AWAITING_PAYMENT", "PAID"];

function isFinal(status: OrderStatus): boolean {
  return status === "COMPLETED" || status === "CANCELLED";
}

function headline(status: OrderStatus): string {
  const words: Readonly<Record<OrderStatus, string>> = {
    PENDING: "Placing your order",
    AWAITING_PAYMENT: "We keep it for you",
    PAID: "Thank you. It is yours",
    COMPLETED: "Thank you. It is on its way",
    CANCELLING: "Undoing your order",
    CANCELLED: "This order was called off",
  };
  return words[status];
}

const wanted: readonly OrderStatus[] = ["PENDING", "PAID", "COMPLETED"];
const wantedLater: readonly OrderStatus[] = ["PENDING", "AWAITING_PAYMENT", "PAID", "COMPLETED"];
const stepWords: Readonly<Partial<Record<OrderStatus, string>>> = { PENDING: "Placed", AWAITING_PAYMENT: "Kept" };

function Timeline({ order }: { readonly order: Order }) {
  const reached = order.steps.map((step) => step.status);
  const cancelled = reached.some((status) => status === "CANCELLING" || status === "CANCELLED");
  const path = cancelled
    ? [...reached.filter((status) => status !== "CANCELLING"), ...pending(reached)]
    : order.payBy
      ? wantedLater
      : wanted;
  return (
    <ol class="timeline" aria-label="What has happened">
      {path.map((status) => {
        const at = order.steps.find((step) => step.status === status)?.at;
        const look = at ? (status === "CANCELLED" ? "step step-bad" : "step step-done") : "step";
        return (
          <li key={status} class={look}>
            <span class="step-mark">{at && (status === "CANCELLED" ? <CrossIcon /> : <TickIcon />)}</span>
            <span class="step-name">{stepWords[status] ?? statusWords[status]}</span>
            <span class="step-time">{at ? clock(at) : "…"}</span>
          </li>
        );
      })}
    </ol>
  );
}

function pending(reached: readonly OrderStatus[]): readonly OrderStatus[] {
  return reached.includes("CANCELLED") ? [] : ["CANCELLED"];
}

function OrderLines({ order }: { readonly order: Order }) {
  return (
    <ul class="lines">
      {order.lines.map(({ sku, name, image, quantity, unitPrice }) => (
        <li key={sku} class="line line-small">
          <Link to={`/products/${sku}`} class="line-art" tabIndex={-1} aria-hidden="true">
            <Art image={image} />
          </Link>
          <div class="line-text">
            <Link to={`/products/${sku}`} class="line-name">
              {name}
            </Link>
            <span class="line-unit">
              {quantity} × {money(unitPrice)}
            </span>
          </div>
          <span class="line-sum">{money({ ...unitPrice, cents: unitPrice.cents * quantity })}</span>
        </li>
      ))}
    </ul>
  );
}
