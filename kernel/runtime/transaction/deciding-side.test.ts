import assert from "node:assert/strict";
import { it } from "node:test";
import { StatusError } from "../../call/status.ts";
import type { LastNote, TransactionNote } from "../../spi/coordinator.ts";
import { silentLog } from "../../testing/logs.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { decidingSide, type NextRound } from "./deciding-side.ts";
import type { Journey } from "./journey.ts";

const options = { stuckAfterRounds: 10, stuckAfterMs: 300_000, leaseMs: 15_000, backoffMs: 50, maxBackoffMs: 30_000 };

/** Leaves a transaction that was decided at 1,000,000 and leased at `leasedAt`, both by the clock of the coordinator. */
async function left(leasedAt: number, clock: number, next?: NextRound): Promise<TransactionNote | undefined> {
  const ports = virtualPorts();
  await ports.advance(clock);
  let noted: TransactionNote | undefined;
  const record = { attempts: 1, decidedAt: 1_000_000, leaseUntil: leasedAt + options.leaseMs, stuck: false };
  const coordinator = {
    get: async () => record,
    note: async (_: string, note: TransactionNote) => {
      noted = note;
    },
  };
  const node = { options, ports, log: silentLog, counters: { left: () => undefined }, coordinator: () => coordinator };
  const subject = { gid: "g", transaction: { name: "pay" }, strategy: "tcc", record };
  const journey = { node, subject, outputs: new Map(), done: new Set() } as unknown as Journey;
  await decidingSide(journey).leave("away", next);
  return noted;
}

it("calls for a person long after the decision, by the clock of the coordinator and not by its own", async () => {
  for (const clock of [0, 3_600_000_000]) {
    assert.equal((await left(1_300_000, clock))?.stuck, false);
    assert.equal((await left(1_300_001, clock))?.stuck, true);
  }
});

it("calls for a person when it is told to, and not while it is told to wait", async () => {
  const next = { attempts: 99, nextInMs: 1 };
  assert.equal((await left(9_000_000, 0, { ...next, stuck: false }))?.stuck, false);
  assert.equal((await left(1_000_000, 0, { ...next, attempts: 0, stuck: true }))?.stuck, true);
});

/** What is written with the end of one that was decided at such a time, or after so many answers were lost. */
async function ended(deadline: number, lost = 0, record?: object): Promise<LastNote | undefined> {
  const ports = virtualPorts();
  await ports.advance(1_000);
  let last: LastNote | undefined;
  let left = lost;
  const decide = async () => {
    if (left-- > 0) throw new StatusError("UNAVAILABLE", "the answer is lost");
    return "committing";
  };
  const ends = {
    finish: async (_: unknown, __: unknown, ___: unknown, note: LastNote | undefined) => {
      last = note;
    },
  };
  const node = { options, ports, log: silentLog, ends, coordinator: () => ({ decide }) };
  const subject = { gid: "g", transaction: { name: "pay" }, strategy: "tcc", input: new Uint8Array(), record };
  const outputs = new Map([["take", new Uint8Array([7])]]);
  const journey = {
    node,
    subject,
    outputs,
    done: new Set(),
    deadline,
    pause: async () => undefined,
    context: () => ({}),
  };
  const side = decidingSide(journey as unknown as Journey);
  await side.decide("committing");
  await side.finish("committing");
  return last;
}

it("writes outputs with the end where somebody else may have decided, who knew of fewer", async () => {
  const outputs = { take: new Uint8Array([7]) };
  assert.equal(await ended(2_000), undefined, "they went with its own decision");
  assert.deepEqual(await ended(1_000), { outputs }, "a participant may have asked after its deadline");
  assert.deepEqual(await ended(2_000, 1), { outputs }, "its lease may have been over");
  assert.deepEqual(await ended(2_000, 0, { outputs: {} }), { outputs }, "it was taken on from another");
});
