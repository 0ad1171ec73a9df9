import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { background } from "../../call/call-context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf, operation, operations } from "../../contract/index.ts";
import { systemPorts } from "../../core/ports.ts";
import type { ExternalOperation, ExternalState, Performer } from "../../spi/perform.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { Balance, bankDatabase, Movement } from "../../testing/bank.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { participant } from "./participant.ts";

const cards = operations("test.card.v1.Cards", {
  pay: operation(Movement, Balance, { acts: "external", rejects: ["DECLINED"], undo: true }),
});
type Pay = (typeof cards)["operations"]["pay"];

/** A payment provider outside, which knows idempotency keys. What it has heard in `loses` is done, and the answer lost. */
function provider(limit = 100n) {
  const payments = new Map<string, { state: "reserved" | "confirmed" | "cancelled" | "undone"; cents: bigint }>();
  const seen: string[] = [];
  const loses = new Set<string>();
  const heard = (what: string, key: string) => {
    seen.push(`${what} ${key.split(":").slice(1).join(":")}`);
    if (loses.delete(what)) throw new StatusError("UNAVAILABLE", `the answer to ${what} is lost`);
  };
  const only = () => [...payments.values()][0];
  const pay: ExternalOperation<Pay> = {
    async reserve({ cents }, call) {
      if (cents > limit) call.reject("DECLINED");
      if (!payments.has(call.idempotencyKey)) payments.set(call.idempotencyKey, { state: "reserved", cents });
      heard("reserve", call.idempotencyKey);
      return { cents };
    },
    async confirm(_input, _output, call) {
      const payment = only();
      if (payment) payment.state = "confirmed";
      heard("confirm", call.idempotencyKey);
    },
    async cancel(_input, _output, call) {
      const payment = only();
      if (payment) payment.state = "cancelled";
      heard("cancel", call.idempotencyKey);
    },
    async undo(_input, _output, call) {
      const payment = only();
      if (payment) payment.state = "undone";
      heard("undo", call.idempotencyKey);
    },
    async query(_input, call): Promise<ExternalState<{ cents: bigint }>> {
      const payment = payments.get(call.idempotencyKey);
      if (!payment) return { state: "none" };
      const { state, cents } = payment;
      return state === "cancelled" || state === "undone" ? { state } : { state, output: { cents } };
    },
  };
  return { pay, payments, seen, loses, state: () => only()?.state };
}

await onServer(
  "an external operation, with its fence on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    async function open() {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, {});
      await createFence(database.sql);
      const outside = provider();
      const host = participant(
        { operations: cards, database, perform: { pay: outside.pay } } as unknown as Performer,
        systemPorts,
      );
      const drive = (gid: string, action: BranchAction, cents = 30n) => {
        const input = codecOf(Movement).encode({ account: "a", cents });
        const steps = [{ step: "pay", operation: "pay", version: 1, input }];
        return host.drive({ gid, branch: "b1", action, strategy: "test", transaction: "test", steps }, background);
      };
      return {
        outside,
        drive,
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    it("authorises and captures once, each under a key of its own, whatever is repeated", async () => {
      await using at = await open();
      const gid = randomUUID();
      const first = await at.drive(gid, "reserve");
      assert.deepEqual(await at.drive(gid, "reserve"), first);
      assert.deepEqual((await at.drive(gid, "confirm")).results, first.results);
      assert.equal((await at.drive(gid, "confirm")).outcome, "done");
      assert.equal(at.outside.state(), "confirmed");
      assert.deepEqual([...new Set(at.outside.seen)], ["reserve b1:R", "confirm b1:F"]);
    });

    it("asks how it stands when the answer to an authorisation was lost, and does not authorise again", async () => {
      await using at = await open();
      const gid = randomUUID();
      at.outside.loses.add("reserve");
      await assert.rejects(at.drive(gid, "reserve"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "reserve")).outcome, "done");
      assert.deepEqual(at.outside.seen, ["reserve b1:R"]);
      assert.equal(at.outside.payments.size, 1);
    });

    it("repeats a capture whose answer was lost", async () => {
      await using at = await open();
      const gid = randomUUID();
      await at.drive(gid, "reserve");
      at.outside.loses.add("confirm");
      await assert.rejects(at.drive(gid, "confirm"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "cancel")).outcome, "heuristic");
      assert.equal((await at.drive(gid, "confirm")).outcome, "done");
      assert.equal(at.outside.state(), "confirmed");
    });

    it("voids what was authorised, also when that is not certain, and refuses what comes late", async () => {
      await using at = await open();
      const gid = randomUUID();
      at.outside.loses.add("reserve");
      await assert.rejects(at.drive(gid, "reserve"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      assert.equal(at.outside.state(), "cancelled");
      assert.equal((await at.drive(gid, "reserve")).outcome, "refused");
      const never = randomUUID();
      assert.equal((await at.drive(never, "cancel")).outcome, "done");
      assert.equal((await at.drive(never, "reserve")).outcome, "refused");
      assert.equal(at.outside.payments.size, 1);
    });

    it("remembers a no, and refunds what was applied as a whole", async () => {
      await using at = await open();
      const no = randomUUID();
      assert.equal((await at.drive(no, "reserve", 101n)).refusal?.reason, "DECLINED");
      assert.equal((await at.drive(no, "cancel", 101n)).outcome, "done");
      const gid = randomUUID();
      assert.equal((await at.drive(gid, "apply")).outcome, "done");
      assert.equal(at.outside.state(), "confirmed");
      assert.equal((await at.drive(gid, "undo")).outcome, "done");
      assert.equal(at.outside.state(), "undone");
    });

    it("is never prepared", async () => {
      await using at = await open();
      await assert.rejects(at.drive(randomUUID(), "prepare"), { code: "INVALID_ARGUMENT" });
    });
  },
);
