import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Bus,
  type BusMessage,
  type Clients,
  type Context,
  callContext,
  type Delivery,
  type ErrorCode,
  StatusError,
  type StatusErrorOptions,
} from "@mortise/kernel";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import {
  keptLog,
  Sample,
  sampleCall,
  sampleInstance,
  sampleSite,
  scriptedGroup,
  type VirtualPorts,
  virtualPorts,
} from "@mortise/kernel/testing";
import { failback } from "./failback.ts";
import {
  type FailbackOptions,
  type FailbackSetup,
  failbackCluster,
  makeKeptCalls,
  pendingOf,
} from "./failback-cluster.ts";

const defaults: FailbackOptions = { retries: 3, delayMs: 5000, maxPending: 100 };
const sick = (code: ErrorCode = "UNAVAILABLE", options: StatusErrorOptions = {}) =>
  new StatusError(code, "sick", options);

/** A bus on virtual time that knows one group per topic and keeps what it gave up on. */
function virtualBus({ timers }: VirtualPorts): Bus & { readonly published: BusMessage[]; readonly dead: string[] } {
  const published: BusMessage[] = [];
  const dead: string[] = [];
  const groups = new Map<string, (message: BusMessage) => void>();
  return {
    durable: false,
    published,
    dead,
    async publish(topic, message) {
      published.push(message);
      groups.get(topic)?.(message);
    },
    async subscribe(topic, _group, handler, { maxAttempts = 8, backoffMs = 100 } = {}) {
      const deliver = async (delivery: Delivery): Promise<void> => {
        try {
          await handler(delivery);
        } catch {
          if (delivery.attempt === maxAttempts) dead.push(delivery.id);
          else timers.after(backoffMs, () => void deliver({ ...delivery, attempt: delivery.attempt + 1 }));
        }
      };
      groups.set(topic, (message) => void deliver({ ...message, topic, attempt: 1 }));
      return { close: async () => void groups.delete(topic) };
    },
    deadLetters: async () => [],
  };
}

/** A process whose instances fail, and whose later calls go as `retried` says, by number from 1. */
async function process(retried: (number: number) => StatusError | undefined, options: Partial<FailbackOptions> = {}) {
  const ports = virtualPorts();
  const [bus, log] = [virtualBus(ports), keptLog()];
  const made: { readonly at: number; readonly request: unknown; readonly context: Context }[] = [];
  const call = async (request: unknown, context: Context) => {
    made.push({ at: ports.clock.now(), request, context });
    const error = retried(made.length);
    if (error) throw error;
  };
  const clients = {
    client: () => ({ read: call, write: call }),
    contract: (service: string) => (service === Sample.name ? Sample : undefined),
  } as unknown as Clients;
  const setup: FailbackSetup = {
    options: { ...defaults, ...options },
    app: "my app",
    bus,
    clients: () => clients,
    ports,
    log,
  };
  const pending = pendingOf(setup);
  await makeKeptCalls(setup, pending);
  const cluster = failbackCluster(setup, pending);
  const failing = (error: StatusError, method = Sample.methods.read as typeof Sample.methods.write, context = {}) => {
    const instances = [sampleInstance("a")];
    const invoke = cluster.invoker(
      sampleSite({ method }),
      scriptedGroup(instances, () => ({ tookMs: 1, error }), ports),
    );
    const made = callContext({ timeoutMs: 1000, ...context }, ports);
    return ports.settle(invoke(sampleCall(made, { method, request: { key: "k", number: 7 } })));
  };
  return { ports, bus, log, made, failing };
}

const answers = "it answers with nothing and makes the call again later, by design";

clusterConformance({
  name: "failback",
  make: () => ({
    subject: (ports) => {
      const setup: FailbackSetup = {
        options: defaults,
        app: "test",
        bus: virtualBus(ports as VirtualPorts),
        clients: () => assert.fail("nothing is made again here"),
        ports,
        log: keptLog(),
      };
      return failbackCluster(setup, pendingOf(setup));
    },
  }),
  deviations: [
    "ends with an attempt's error when all fail",
    "passes on that there is nobody to call",
    "begins no attempt after the deadline and is over soon after it",
    "leaves no timer behind",
  ].map((law) => ({ law, reason: answers })),
});

describe("cluster/failback", () => {
  it("answers with nothing, and makes the call again after the delay with all it carried", async () => {
    const { failing, made, ports } = await process(() => undefined);
    const { response } = await failing(sick(), Sample.methods.read as never, {
      tenant: "t",
      idempotencyKey: "once",
      baggage: { a: "b" },
      metadata: { "x-one": ["1", "2"], "x-bin": Uint8Array.of(0, 255) },
    });
    assert.deepEqual(response, { text: "" });
    assert.equal(made.length, 0);
    await ports.advance(5001);
    assert.deepEqual(
      made.map(({ at, request }) => [at, request]),
      [[5001, { key: "k", number: 7 }]],
    );
    const context = made[0]?.context ?? assert.fail();
    assert.deepEqual([context.tenant, context.idempotencyKey, context.baggage], ["t", "once", { a: "b" }]);
    assert.deepEqual(context.outgoing.getAll("x-one"), ["1", "2"]);
    assert.deepEqual([...(context.outgoing.getBytes("x-bin") ?? [])], [0, 255]);
    assert.equal(context.deadline, Number.POSITIVE_INFINITY, "its policy gives it a new one");
    await ports.advance(60_000);
    assert.equal(made.length, 1);
  });

  it("goes on making the call until it goes well, as often as it may", async () => {
    const { failing, made, ports, bus, log } = await process((number) => (number < 3 ? sick() : undefined));
    await failing(sick());
    await ports.advance(60_000);
    assert.deepEqual(
      made.map(({ at }) => at),
      [5001, 10_001, 15_001],
    );
    assert.deepEqual(bus.dead, []);
    assert.ok(log.lines.some(({ message }) => message.endsWith("was made again and went well")));
  });

  it("gives a call up after its retries, says so and leaves it among the dead letters", async () => {
    const { failing, made, ports, bus, log } = await process(() => sick(), { retries: 2, delayMs: 100 });
    await failing(sick());
    await ports.advance(60_000);
    assert.equal(made.length, 2);
    assert.deepEqual(
      bus.dead,
      bus.published.map(({ id }) => id),
    );
    assert.ok(log.lines.some(({ level, message }) => level === "error" && /is given up; it is among/.test(message)));
  });

  it("keeps nothing that may have been done, unless that does no harm", async () => {
    const { failing, bus } = await process(() => undefined);
    await assert.rejects(failing(sick(), Sample.methods.write), { code: "UNAVAILABLE" });
    await assert.rejects(failing(sick("NOT_FOUND")), { code: "NOT_FOUND" });
    assert.equal(bus.published.length, 0);
    await failing(sick("UNAVAILABLE", { neverSent: true }), Sample.methods.write);
    await failing(sick("DEADLINE_EXCEEDED"));
    assert.equal(bus.published.length, 2);
  });

  it("stops making a call again once it may have been done or was refused", async () => {
    for (const [method, error] of [
      [Sample.methods.write, sick()],
      [Sample.methods.read, sick("FAILED_PRECONDITION")],
    ] as const) {
      const { failing, made, ports, bus, log } = await process(() => error);
      await failing(sick("UNAVAILABLE", { neverSent: true }), method as typeof Sample.methods.write);
      await ports.advance(60_000);
      assert.equal(made.length, 1);
      assert.deepEqual(bus.dead, []);
      assert.ok(log.lines.some(({ level }) => level === "error"));
    }
  });

  it("gives further callers their error while too many calls wait, and has room again when one is over", async () => {
    const { failing, bus, ports } = await process(() => undefined, { maxPending: 2 });
    await failing(sick());
    await failing(sick());
    await assert.rejects(failing(sick()), { code: "UNAVAILABLE" });
    assert.equal(bus.published.length, 2);
    await ports.advance(5001);
    await failing(sick());
    assert.equal(bus.published.length, 3);
  });

  it("gives the caller the error when the bus takes nothing, and when it is off", async () => {
    const broken = await process(() => undefined);
    broken.bus.publish = () => Promise.reject(new Error("no bus"));
    await assert.rejects(broken.failing(sick()), { code: "UNAVAILABLE" });
    const off = await process(() => undefined, { retries: 0 });
    await assert.rejects(off.failing(sick()), { code: "UNAVAILABLE" });
    assert.equal(off.bus.published.length, 0);
  });

  it("leaves to others what no service of this process is a client of", async () => {
    const { failing, ports, bus, made } = await process(() => undefined);
    const foreign = { ...Sample.methods.read, service: "other.v1.Other" };
    await failing(sick(), foreign as never);
    await ports.advance(60_000);
    assert.equal(made.length, 0);
    assert.equal(bus.dead.length, 1);
  });

  it("is the plugin cluster/failback", () => assert.equal(failback.id, "cluster/failback"));
});
