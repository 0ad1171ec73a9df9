import {
  backgroundOf,
  type Context,
  decodeTrace,
  type Log,
  makeWorker,
  type Ports,
  type Worker,
} from "@mortise/kernel";
import type { OrderBook, OrderRow } from "./book.ts";

export interface ReminderOptions {
  readonly book: OrderBook;
  readonly ports: Ports;
  readonly log: Log;
  readonly everyMs: number;
  /** Tells once more that an order stands. */
  readonly announce: (order: OrderRow, call: Context) => Promise<void>;
}

const batch = 50;

/** Tells again of orders that stand and whose goods do not leave, in case the event was lost on its way. */
export function makeReminder({ book, ports, log, everyMs, announce }: ReminderOptions): Worker {
  const work = async () => {
    const orders = await book.claimDue("PAID", batch);
    await Promise.all(orders.map((order) => announce(order, traced(order, ports))));
    return orders.length === batch;
  };
  return makeWorker({ name: "reminder of orders", everyMs, ports, log, work });
}

/** A context in the trace of the request that placed the order. */
export function traced({ traceId }: OrderRow, ports: Ports): Context {
  const trace = decodeTrace(`00-${traceId}-${ports.ids.hex(8)}-01`);
  const root = backgroundOf(ports);
  return trace ? root.with({ trace: { ...trace, service: "order" } }) : root;
}
