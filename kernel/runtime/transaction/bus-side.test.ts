import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TransactionRecord } from "../../spi/coordinator.ts";
import { busSide } from "./bus-side.ts";
import type { DecidingSide, NextRound } from "./deciding-side.ts";
import type { Journey } from "./journey.ts";
import { type Resends, resends } from "./resends.ts";

const redelivering = { redeliverMs: 5_000, maxRedeliverMs: 300_000, redeliverAtOnce: 100 };
const options = { ...redelivering, backoffMs: 50, maxBackoffMs: 30_000 };
const windows = () => resends(redelivering, { now: () => 0 });

/** One transaction to be delivered, and what is published and written of it. */
function delivering(record: Partial<TransactionRecord> | undefined, shared: Resends = windows()) {
  const published: string[] = [];
  const decided: unknown[] = [];
  const left: [lastError: string, next: NextRound | undefined][] = [];
  const publishBranch = async (_: unknown, id: string) => void published.push(id);
  const node = { options, ports: { random: () => 0 }, resends: shared, publishBranch };
  const inSpan = (_: unknown, __: unknown, work: (within: unknown) => Promise<unknown>) => work({});
  const journey = { node, subject: { gid: "g", record }, request: () => ({}), inSpan };
  const deciding: Pick<DecidingSide, "decide" | "leave"> = {
    async decide(decision, _abort, _unknown, next) {
      decided.push(next);
      return decision;
    },
    async leave(lastError, next) {
      left.push([lastError, next]);
      return new Error(lastError);
    },
  };
  const side = busSide(journey as unknown as Journey, deciding);
  return { published, decided, left, side, deliver: () => side.deliver([{ id: "b2", participant: "p" }] as never) };
}

describe("the first delivery of a message", () => {
  it("is no repetition, however often its first branch had been asked about", async () => {
    const shared = windows();
    const undecided = { status: "active", attempts: 6, lastError: "nobody answers" } as const;
    for (let n = 0; n < 1_000; n++) {
      const at = delivering(undecided, shared);
      await at.side.decideToDeliver();
      await at.deliver();
      assert.deepEqual([at.published, at.left], [["g:b2:0"], []]);
      assert.deepEqual(at.decided, [{ attempts: 1, nextInMs: redelivering.redeliverMs }]);
    }
  });
});

describe("a later delivery of a message", () => {
  const sent = { status: "committing", attempts: 1 } as const;

  it("is bounded, and has an id and a wait of its own", async () => {
    const shared = windows();
    const all = Array.from({ length: 150 }, () => delivering({ ...sent, lastError: "" }, shared));
    for (const one of all) await one.deliver();
    assert.equal(all.flatMap(({ published }) => published).filter((id) => id === "g:b2:1").length, 100);
    const next = { attempts: 2, nextInMs: 2 * redelivering.redeliverMs };
    for (const { left } of all) assert.deepEqual(left, [["not all branches have said that they are done", next]]);
  });

  it("keeps what a participant has said about its failure, and nothing that was said before", async () => {
    for (const [lastError, kept] of [
      ["b2: there is no paper", "b2: there is no paper"],
      ["nobody answers whether the first branch was done", "not all branches have said that they are done"],
      ["not published: the bus is away", "not all branches have said that they are done"],
    ] as const) {
      const at = delivering({ ...sent, lastError });
      await at.deliver();
      assert.equal(at.left[0]?.[0], kept);
    }
  });
});
