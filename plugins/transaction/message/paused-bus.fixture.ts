import assert from "node:assert/strict";
import {
  type Coordinator,
  StatusError,
  type TransactionOutcome,
  type TransactionRecord,
  type Transactions,
} from "@mortise/kernel";
import { message, operation, operations, string, transaction } from "@mortise/kernel/contract";
import { transactionsRuntime } from "@mortise/kernel/runtime";
import { keptCoordinator } from "@mortise/kernel/spi/kept-transactions";
import { startPlugin, virtualPorts } from "@mortise/kernel/testing";
import { messageStrategy } from "./message.ts";

const Text = message("test.v1.Text", { text: string(1) });
const Orders = operations("test.v1.Orders", { create: operation(Text, Text, { rejects: [] }) });
const Stock = operations("test.v1.Stock", { take: operation(Text, Text, { rejects: [] }) });
const Points = operations("test.v1.Points", { reward: operation(Text, Text, { rejects: [] }) });

/** Tells one participant over the bus. */
export const buy = transaction("buy", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("order", Orders.operations.create, (input) => input)
      .step("stock", Stock.operations.take, (input) => input, { after: ["order"] }),
});

/** Tells two, side by side. */
export const buyWithPoints = transaction("buyWithPoints", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("order", Orders.operations.create, (input) => input)
      .step("stock", Stock.operations.take, (input) => input, { after: ["order"] })
      .step("points", Points.operations.reward, (input) => input, { after: ["order"] }),
});

/** Tells two, one after the other. */
export const buyInTurn = transaction("buyInTurn", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("order", Orders.operations.create, (input) => input)
      .step("stock", Stock.operations.take, (input) => input, { after: ["order"] })
      .step("points", Points.operations.reward, (input) => input, { after: ["stock"] }),
});

const operationOf: Readonly<Record<string, string>> = {
  [Orders.name]: "create",
  [Stock.name]: "take",
  [Points.name]: "reward",
};

export const redeliverMs = 5_000;
export const maxRedeliverMs = 60_000;
export const redeliverAtOnce = 50;

/** A process whose participants answer at once, with a bus on which nobody listens unless a test does. */
export async function world(bought: typeof buy | typeof buyWithPoints | typeof buyInTurn = buy) {
  const of = bought as typeof buy;
  const ports = virtualPorts();
  const sent: { readonly gid: string; readonly branch: string; readonly id: string; readonly at: number }[] = [];
  const ends: string[] = [];
  let busUp = true;
  const manifestOf = (name: string) => ({
    operations: [{ name: operationOf[name], version: 1 }],
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
        if (!name.includes(".branch.")) ends.push(event.gid);
        else sent.push({ gid: event.gid, branch: event.branch, id, at: ports.clock.now() });
      },
  };
  const records = new Map<string, TransactionRecord>();
  const asked: string[] = [];
  const keeping = noting(
    keptCoordinator({ records, ended: [], audits: [], now: () => ports.clock.wall() }, 100_000),
    asked,
  );
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
  const { run } = api.initiator(of);
  const [{ handler } = assert.fail("it listens to acknowledgements")] = api.listens(of);
  return {
    ports,
    sent,
    /** Ids of the transactions whose end the bus was told. */
    ends,
    bus: (up: boolean) => (busUp = up),
    /** Runs so many, which all have their first branch done. */
    runMany: async (count: number): Promise<readonly TransactionOutcome<typeof of>[]> =>
      ports.settle(Promise.all(Array.from({ length: count }, (_, n) => run({ text: String(n) })))),
    /** Says at the same moment that all of these are done. */
    acknowledge: async (...done: readonly { readonly gid: string; readonly branch: string; readonly id: string }[]) => {
      const all = done.map(({ gid, branch, id }) => {
        const driven = { outcome: "done", results: [{ step: branch, output: new Uint8Array([7]) }], note: "" };
        const call = { id: `${id}:1:done`, attempt: 1 };
        return (handler as unknown as Handler)({ gid, branch, driven, strategy: "message" }, call as never);
      });
      await ports.settle(Promise.all(all));
    },
    /** What the coordinator was asked for since this was called last. */
    asked: (): readonly string[] => asked.splice(0),
    record: (gid: string): TransactionRecord | undefined => records.get(gid),
    pause: async (gid: string, paused: boolean): Promise<void> => {
      await keeping.pause(gid, paused);
      await keeping.wake(gid);
    },
    open: () => [...records.values()].filter(({ endedAt }) => endedAt === undefined).length,
    stop: () => ports.settle(Promise.resolve(stop?.())),
  };
}

/** Writes down what is asked for about a transaction. */
function noting(coordinator: Coordinator, asked: string[]): Coordinator {
  const watched = ["begin", "decide", "note", "finish", "get"] as const;
  const noted = watched.map((what) => {
    const ask = coordinator[what] as (...given: readonly unknown[]) => unknown;
    const askNoted = (...given: readonly unknown[]) => {
      asked.push(what);
      return ask(...given);
    };
    return [what, askNoted];
  });
  return { ...coordinator, ...Object.fromEntries(noted) };
}

interface Drive {
  readonly gid: string;
  readonly branch: string;
  readonly steps: readonly { readonly step: string }[];
}
type Handler = (ack: unknown, call: never) => Promise<void>;
