import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { StatusError } from "../../call/status.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { Coordinator, TransactionRecord } from "../../spi/coordinator.ts";
import { keptCoordinator } from "../../spi/kept-transactions.ts";
import { collect } from "../../testing/bank-app.ts";
import { silentLog } from "../../testing/logs.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { drive } from "./driver.ts";
import { endsOf } from "./ends.ts";
import { reasonOf } from "./failures.ts";
import type { TransactionNode } from "./node.ts";
import { keptNumbers } from "./numbers.ts";
import { BegunBefore, type Subject } from "./subject.ts";

const options = { leaseMs: 15_000, backoffMs: 50, maxBackoffMs: 30_000, driveTimeoutMs: 3_000 };
const refused = reasonOf("TOO_LITTLE", "there is too little");
const lost = () => new StatusError("UNAVAILABLE", "the answer is lost");

/** A transaction that is refused before anything of it was held, over a coordinator whose begin fails as `fails` has it. */
function refusedHere(fails: (begin: () => Promise<unknown>, time: number) => Promise<unknown>, fresh = true) {
  const ports = virtualPorts();
  const records = new Map<string, TransactionRecord>();
  const kept = keptCoordinator({ records, ended: [], audits: [], now: () => ports.clock.wall() }, 100);
  let times = 0;
  const begin = (...given: Parameters<Coordinator["begin"]>) => fails(() => kept.begin(...given), times++);
  const coordinator = () => ({ ...kept, begin }) as Coordinator;
  const counters = keptNumbers(
    () => [],
    () => [],
  );
  const told: string[] = [];
  const publish = async ({ gid }: { readonly gid: string }) => void told.push(gid);
  const ends = endsOf({ publish, coordinator, counters, log: silentLog });
  const node = { options, ports, coordinator, owner: "me", counters, ends, log: silentLog };
  const nodeOf = { ...node, strategy: () => undefined, tracer: () => undefined } as unknown as TransactionNode;
  const about = { gid: randomUUID(), transaction: collect as unknown as AnyTransaction, strategy: "3pc", fresh };
  const subject: Subject = {
    ...about,
    ...{ input: new Uint8Array(), deadlineMs: 10_000, trace: undefined, traceparent: "" },
  };
  const driver = drive(nodeOf, subject);
  return {
    ...{ driver, kept, told, gid: about.gid },
    async run() {
      if (fresh) await driver.answer(refused);
      await driver.beginAborted(refused);
      await driver.finish("aborting");
    },
    settle: <T>(work: Promise<T>) => ports.settle(work),
    numbers: () => counters.read().driven.map(({ begun, aborted }) => ({ begun, aborted })),
  };
}

describe("a transaction that begins as aborted", () => {
  for (const [what, isDurable] of [["answer is", true] as const, ["begin and its answer are", false] as const])
    it(`begins and ends once, and is told of once, where its ${what} lost several times`, async () => {
      const at = refusedHere(async (begin, time) => {
        if (time >= 5) return begin();
        if (isDurable) await begin();
        throw lost();
      });
      await at.settle(at.run());
      assert.deepEqual(at.numbers(), [{ begun: 1, aborted: { TOO_LITTLE: 1 } }]);
      assert.deepEqual([at.told, (await at.kept.get(at.gid))?.status], [[at.gid], "aborted"]);
      assert.equal(at.driver.recorded, true, "its end is told by whoever has the record");
    });

  it("is left where it had been begun by another process under its key", async () => {
    const at = refusedHere(async (begin, time) => {
      if (time === 0) throw lost();
      return begin();
    }, false);
    const begun = at.driver.begins("active");
    await at.kept.begin(begun, "another process", 15_000);
    await at.settle(assert.rejects(at.run(), BegunBefore));
    assert.deepEqual([at.numbers(), at.told], [[], []]);
    assert.deepEqual(await at.driver.answered, { status: "pending" }, "whoever waits is not kept");
  });

  it("has its answer for its end where the coordinator stays away", async () => {
    const at = refusedHere(() => Promise.reject(lost()));
    await at.settle(assert.rejects(at.run(), /the answer is lost/));
    assert.deepEqual([at.driver.recorded, at.told], [false, []]);
  });
});
