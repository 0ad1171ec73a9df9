import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError, type TransactionOutcome, type Transactions } from "@mortise/kernel";
import { message, operation, operations, string, transaction } from "@mortise/kernel/contract";
import { transactionsRuntime } from "@mortise/kernel/runtime";
import { keptCoordinator } from "@mortise/kernel/spi/kept-transactions";
import { startPlugin, virtualPorts } from "@mortise/kernel/testing";
import { messageStrategy } from "./message.ts";

const Text = message("test.v1.Text", { text: string(1) });
const Orders = operations("test.v1.Orders", { create: operation(Text, Text, { rejects: [] }) });
const Stock = operations("test.v1.Stock", { take: operation(Text, Text, { rejects: [] }) });
const buy = transaction("buy", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("order", Orders.operations.create, (input) => input)
      .step("stock", Stock.operations.take, (input) => input, { after: ["order"] }),
});

const redeliverMs = 5_000;
const maxRedeliverMs = 60_000;
const redeliverAtOnce = 50;

/** A process whose participants answer at once, with a bus on which nobody listens unless a test does. */
async function world() {
  const ports = virtualPorts();
  const sent: { readonly gid: string; readonly branch: string; readonly id: string; readonly at: number }[] = [];
  let busUp = true;
  const manifestOf = (name: string) => ({
    operations: [{ name: name === Orders.name ? "create" : "take", version: 1 }],
    database: `1/${name}`,
    preparedTransactions: 0,
    defaultIsolation: "read committed",
    fenceVersion: 1,
  });
  const clients = {
    client: ({ name }: { name: string }) => ({
      drive: async ({ steps }: Drive) => ({
        outcome: "done",
        results: steps.map(({ step }) => ({ step, output: new Uint8Array() })),
        note: "",
      }),
      manifest: async () => manifestOf(name),
    }),
    publisher:
      ({ name }: { name: string }) =>
      async (event: Drive, _: unknown, { id = "" } = {}) => {
        if (!busUp) throw new StatusError("UNAVAILABLE", "the bus is away");
        if (name.includes(".branch.")) sent.push({ gid: event.gid, branch: event.branch, id, at: ports.clock.now() });
      },
  };
  const records = new Map();
  const keeping = keptCoordinator({ records, ended: [], audits: [], now: () => ports.clock.wall() }, 100_000);
  const policy = { strategy: "message", maxInFlight: 10_000, scheduleMs: [], sources: {} };
  const { api, stop } = await startPlugin<Transactions>(transactionsRuntime, {
    ports,
    options: { redeliverMs, maxRedeliverMs, redeliverAtOnce },
    deps: {
      clients: { current: clients },
      coordinator: { current: { ...keeping, health: async () => ({ durable: true, replicated: true }) } },
      policies: { current: { of: () => policy } },
      strategies: { current: new Map([["message", messageStrategy]]) },
      tracer: { current: undefined },
      faults: { current: undefined },
      bus: { current: { durable: true } },
    },
  });
  const { run } = api.initiator(buy);
  const [{ handler } = assert.fail("it listens to acknowledgements")] = api.listens(buy);
  return {
    ports,
    sent,
    bus: (up: boolean) => (busUp = up),
    /** Runs so many, which all have their first branch done. */
    runMany: async (count: number): Promise<readonly TransactionOutcome<typeof buy>[]> =>
      ports.settle(Promise.all(Array.from({ length: count }, (_, n) => run({ text: String(n) })))),
    acknowledge: async ({ gid, branch, id }: { gid: string; branch: string; id: string }) => {
      const driven = { outcome: "done", results: [], note: "" };
      const call = { id: `${id}:1:done`, attempt: 1 };
      await ports.settle((handler as unknown as Handler)({ gid, branch, driven, strategy: "message" }, call as never));
    },
    open: () => [...records.values()].filter(({ endedAt }) => endedAt === undefined).length,
    stop: () => ports.settle(Promise.resolve(stop?.())),
  };
}

interface Drive {
  readonly gid: string;
  readonly branch: string;
  readonly steps: readonly { readonly step: string }[];
}
type Handler = (ack: unknown, call: never) => Promise<void>;

describe("transaction/message over a bus whose consumers are paused", () => {
  it("sends each branch once, and waits before it sends any again", async () => {
    const { ports, sent, runMany, stop } = await world();
    await runMany(400);
    assert.equal(sent.length, 400);
    await ports.advance(redeliverMs - 1_000);
    assert.equal(sent.length, 400);
    assert.equal(new Set(sent.map(({ id }) => id)).size, 400);
    await stop();
  });

  it("stays within the bound of what is sent again, however long that lasts and however much is open", async () => {
    const { ports, sent, runMany, stop } = await world();
    await runMany(400);
    for (let minutes = 0; minutes < 30; minutes++) await ports.advance(60_000);
    const windows = 4 + 30; // 5, 10, 20 and 40 s, then a minute each
    const again = sent.length - 400;
    assert.ok(again > 0 && again <= windows * redeliverAtOnce, `${again} were sent again`);
    await stop();
  });

  it("ends all of them when they are acknowledged, and sends nothing more", async () => {
    const { ports, sent, runMany, acknowledge, open, stop } = await world();
    await runMany(100);
    await ports.advance(20_000);
    for (const one of [...sent]) await acknowledge(one);
    await ports.advance(1);
    assert.equal(open(), 0);
    const before = sent.length;
    await ports.advance(300_000);
    assert.equal(sent.length, before);
    await stop();
  });

  it("sends soon, and under its first id, what a bus that was away did not take", async () => {
    const { ports, bus, sent, runMany, stop } = await world();
    bus(false);
    await runMany(100);
    await ports.advance(10_000);
    assert.equal(sent.length, 0);
    bus(true);
    await ports.advance(3_000);
    assert.equal(sent.length, 100);
    assert.ok(sent.every(({ id }) => id.endsWith(":0")));
    await stop();
  });

  it("heals the loss of what the bus had taken", async () => {
    const { ports, sent, runMany, acknowledge, open, stop } = await world();
    await runMany(20);
    const lost = new Set(sent.map(({ id }) => id));
    await ports.advance(20_000);
    for (const one of sent.filter(({ id }) => !lost.has(id))) await acknowledge(one);
    await ports.advance(1);
    assert.equal(open(), 0);
    await stop();
  });
});
