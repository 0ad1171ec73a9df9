import { randomUUID } from "node:crypto";
import { background } from "../../call/call-context.ts";
import { codecOf } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { Log } from "../../core/plugin.ts";
import { systemPorts } from "../../core/ports.ts";
import { sampleTransaction } from "../../spi/coordinator.conformance.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import { keptCoordinator } from "../../spi/kept-transactions.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { accountOf, bankDatabase, bankOperations, bankPerformer, Movement } from "../../testing/bank.ts";
import { keptLog } from "../../testing/logs.ts";
import type { TestPostgres } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { type Participant, participant } from "./participant.ts";
import { type Sweeper, type SweepHow, sweep } from "./sweep.ts";

const operations = bankOperations("Bank");

/** The actions after which a participant holds something. */
export const holding = ["reserve", "prepare"] as const;

/** A strategy that holds by such an action. */
export const strategyOf = (action: (typeof holding)[number]) => (action === "prepare" ? "3pc" : "tcc");

/** What takes back what is held by such an action. */
export const backOf = (action: (typeof holding)[number]) => (action === "prepare" ? "rollbackPrepared" : "cancel");

/** What is known of strategies by their names. */
export const facts: Readonly<Record<string, (typeof builtInStrategies)[keyof typeof builtInStrategies]>> =
  builtInStrategies;

/** Nothing failed, and nothing was closed by hand. */
export const clean = { failed: [], closed: [], more: false };

/** Sweeps of everything, however young. */
export const everything = { reportOnly: false, olderThanMs: 0 };

/** A coordinator of this process that can be told from others. */
export function coordinatorHere(identity: string = randomUUID(), now = () => Date.now()): Coordinator {
  return keptCoordinator({ records: new Map(), ended: [], audits: [], identity, now }, 1_000);
}

/** Begun by somebody who is gone, with the branch the participant holds. */
export async function begunBy(
  coordinator: Coordinator,
  strategy: string,
  deadlineMs: number | undefined,
  trace = "",
): Promise<string> {
  const step = { step: "stock", operation: "take", version: 1 };
  const branch = { after: [], pivot: false, afterCommit: false, droppable: false, external: false };
  const branches = [{ ...branch, id: "b1", participant: "test.bank.v1.Bank", steps: [step] }];
  const sample = sampleTransaction({ strategy, branches, deadlineMs, trace });
  await coordinator.begin(sample, "somebody", 60_000);
  return sample.gid;
}

/** Sweeps one participant, by a clock of its own. */
export function sweeperOf(one: Participant, coordinator: Coordinator, log: Log, time = { now: 0 }): Sweeper {
  return {
    coordinator: () => coordinator,
    factsOf: (strategy) => facts[strategy],
    ask: (_, request, context) => one.drive(request, context),
    log,
    at: () => undefined,
    ...{ told: new Set(), watched: new WeakMap(), clock: { now: () => time.now } },
    driveTimeoutMs: 60_000,
  };
}

/** A participant with an account of 100 that asks a coordinator, and what it holds. */
export async function holder(server: TestPostgres, coordinator: Coordinator) {
  const test = await server.database();
  const { database, end } = await bankDatabase(test, { a: 100n });
  await createFence(database.sql);
  const bank = participant(bankPerformer(operations, database), {
    asks: () => coordinator.identity,
    timers: systemPorts.timers,
  });
  const log = keptLog();
  const time = { now: 0 };
  const sweeper = sweeperOf(bank, coordinator, log, time);
  const drive = (gid: string, action: BranchAction, strategy: string, keeper: string | undefined, cents = 30n) =>
    bank.drive(
      {
        ...{ gid, branch: "b1", action, strategy, transaction: "placeOrder" },
        steps: [
          {
            ...{ step: "stock", operation: "take", version: 1 },
            input: codecOf(Movement).encode({ account: "a", cents }),
          },
        ],
        ...(keeper !== undefined && { coordinator: keeper }),
      },
      background,
    );
  return {
    bank,
    database,
    log,
    sweeper,
    /** The clock of the process, in milliseconds. */
    time,
    drive,
    /** Lets the participant ask another coordinator from now on. */
    sweepFor: (other: Coordinator = coordinator, how: Partial<SweepHow> = {}) =>
      sweep(bank, { ...sweeper, coordinator: () => other }, { ...everything, ...how }, background),
    /** Rows of branches that are older than any other, and that nobody can end. */
    async holdsBroken(count: number) {
      await database.sql`
        insert into mortise_fence (gid, branch, slot, kind, strategy, operations, created_at)
        select gen_random_uuid(), 'b1', 'R', 'reserve', 'tcc', 'gone@1', now() - interval '1 day' - n % 7 * interval '1 second'
        from generate_series(1, ${count}) as n`;
    },
    /** What is not on the account any more, and what is set aside or prepared. */
    async held() {
      const { balance, frozen } = await accountOf(database, "a");
      return { taken: 100n - balance - frozen, held: Number(frozen) + 30 * (await bank.prepared.waiting()).length };
    },
    async [Symbol.asyncDispose]() {
      await end(0);
      await test.drop();
    },
  };
}
