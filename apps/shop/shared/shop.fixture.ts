import { type Service, type Span, type SpanRecord, type SpanStart, systemPorts, type Telemetry } from "@mortise/kernel";
import { keptLog, startPlugin } from "@mortise/kernel/testing";
import { Inventory, StockDeducted } from "@mortise/proto/shop/inventory";
import { Marketing } from "@mortise/proto/shop/marketing";
import { OrderCancelled, OrderCompleted, OrderPaid, Orders } from "@mortise/proto/shop/order";
import { Payments } from "@mortise/proto/shop/payment";
import { User } from "@mortise/proto/shop/user";
import { gateway } from "../gateway/gateway.ts";
import { inventory } from "../inventory/inventory.ts";
import { marketing } from "../marketing/marketing.ts";
import { order } from "../order/order.ts";
import { payment } from "../payment/payment.ts";
import { user } from "../user/user.ts";
import { initiatorsOf, Services, testSessions, testStore, testTransactions } from "./services.fixture.ts";

/** A whole shop in this process, without a kernel: services call each other directly, the door is open. */
export interface TestShop {
  readonly url: string;
  readonly services: Services;
  stop(): Promise<void>;
}

export async function testShop(gatewayOptions: Readonly<Record<string, unknown>> = {}): Promise<TestShop> {
  const store = await testStore();
  const services = new Services();
  const clients = {
    user: services.client(User),
    inventory: services.client(Inventory),
    marketing: services.client(Marketing),
    payments: services.client(Payments),
    orders: services.client(Orders),
  };
  const events = {
    paid: services.publisher(OrderPaid),
    completed: services.publisher(OrderCompleted),
    cancelled: services.publisher(OrderCancelled),
  };
  await services.start(user, { store, session: await testSessions(store) });
  const api = await testTransactions(services);
  const performing = { "(operations)": api };
  await services.start(marketing, { store, ...performing });
  await services.start(payment, { store, ...performing });
  await services.start(inventory, { store, deducted: services.publisher(StockDeducted), ...performing });
  await services.start(order, { store, ...clients, ...initiatorsOf(api), ...events, ...performing });
  await services.ready();
  const { tracer, telemetry } = tracing();
  const log = keptLog();
  const deps = { ...clients, tracer: { current: tracer }, telemetry: { current: new Map([["memory", telemetry]]) } };
  const options = { port: 0, ...gatewayOptions };
  const running = await startPlugin<Service>(gateway, { deps, options, log });
  await running.api.ready?.();
  const told = log.lines.find((line) => line.message.includes("http://"));
  return {
    url: told?.message.replace(/^.*(?=http:)/, "") ?? "",
    services,
    stop: async () => {
      await running.stop?.();
      await services.stop();
    },
  };
}

/** Keeps every span at once, where the real ones keep them cheaply. */
function tracing() {
  const spans: SpanRecord[] = [];
  const start = ({ name, kind, service, parent }: SpanStart): Span => {
    const { ids, clock } = systemPorts;
    const trace = { traceId: parent?.traceId ?? ids.hex(16), spanId: ids.hex(8), sampled: true, state: "" };
    const attributes: Record<string, string | number | boolean> = {};
    const startMs = clock.wall();
    return {
      context: trace,
      set: (attribute, value) => {
        attributes[attribute] = value;
      },
      setAll: (all) => void Object.assign(attributes, all),
      end: (code, message = "") => {
        const record = { trace, parentSpanId: parent?.spanId ?? "", name, kind, service, startMs, code, message };
        spans.push({ ...record, durationMs: clock.wall() - startMs, attributes });
      },
    };
  };
  const telemetry: Telemetry = {
    trace: (traceId) => {
      const own = spans.filter((span) => span.trace.traceId === traceId);
      return own.length > 0 ? { traceId, spans: own } : undefined;
    },
  };
  return { tracer: { start, flush: async () => undefined }, telemetry };
}
