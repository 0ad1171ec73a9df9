import {
  backgroundOf,
  type Client,
  type Context,
  decodeTrace,
  type Log,
  makeWorker,
  type Ports,
  StatusError,
  type Worker,
} from "@mortise/kernel";
import { PaymentState, type Payments } from "@mortise/proto/shop/payment";
import type { OrderBook, OrderRow } from "./book.ts";
import { recoveryOf } from "./rules.ts";
import type { OrderSteps } from "./steps.ts";

export interface RecoveryOptions {
  readonly book: OrderBook;
  readonly steps: OrderSteps;
  readonly payments: Client<typeof Payments>;
  readonly ports: Ports;
  readonly log: Log;
  readonly everyMs: number;
  /** Time for one order, in milliseconds. */
  readonly stepMs: number;
}

const batch = 50;

/**
 * Takes orders to their end that nobody is working on any more, because a process was killed or a service was away. Any
 * number of processes may do so at the same time.
 */
export function makeRecovery(options: RecoveryOptions): Worker {
  const { book, log, ports, everyMs } = options;
  const work = async () => {
    const orders = await book.claimDue(batch);
    await Promise.all(orders.map((order) => recover(order, options)));
    return orders.length === batch;
  };
  return makeWorker({ name: "recovery of orders", everyMs, ports, log, work });
}

async function recover(order: OrderRow, { steps, payments, log, ports, stepMs }: RecoveryOptions): Promise<void> {
  const context = ofOrder(order, ports).with({ timeoutMs: stepMs });
  try {
    const charged = order.status === "PENDING" && (await isCharged(payments, order.id, context));
    const recovery = recoveryOf(order.status, charged);
    log.info("an order was left alone and is taken on", { orderId: order.id, status: order.status, recovery });
    if (recovery === "go-on") await steps.goOn(order.id, context);
    else if (recovery === "announce") await steps.announce(order, context);
    else if (order.status === "PENDING") await steps.callOff(order.id, ["PENDING"], "INTERRUPTED", context);
    else if (recovery === "undo") await steps.undo(order.id, context);
  } catch (error) {
    log.warn("an order could not be taken on and will be again", { orderId: order.id, error });
  }
}

async function isCharged(payments: Client<typeof Payments>, orderId: string, context: Context): Promise<boolean> {
  try {
    return (await payments.getPayment({ orderId }, context)).state === PaymentState.CHARGED;
  } catch (error) {
    if (error instanceof StatusError && error.code === "NOT_FOUND") return false;
    throw error;
  }
}

/** A context in the trace of the request that placed the order. */
function ofOrder({ traceId }: OrderRow, ports: Ports): Context {
  const trace = decodeTrace(`00-${traceId}-${ports.ids.hex(8)}-01`);
  const root = backgroundOf(ports);
  return trace ? root.with({ trace: { ...trace, service: "order" } }) : root;
}
