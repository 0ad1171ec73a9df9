import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { background } from "../../call/call-context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/index.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import { systemPorts } from "../../core/ports.ts";
import { bankDatabase, bankPerformer } from "../../testing/bank.ts";
import { pay as bankPay, banks, Payment } from "../../testing/bank-app.ts";
import { silentLog } from "../../testing/logs.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { branchesOf } from "./branches.ts";
import { createFence } from "./fence.ts";
import type { TransactionNode } from "./node.ts";
import { pauseOutbox, putOff, wakeOutbox } from "./outbox.ts";
import { participant } from "./participant.ts";
import { relayDue } from "./relay.ts";
import { requestFor } from "./requests.ts";
import { resends } from "./resends.ts";

const pay = bankPay as unknown as AnyTransaction;
const input = codecOf(Payment).encode({ from: "a", to: "b", cents: 1n, sponsor: "" });
const redelivering = { redeliverMs: 3_600_000, maxRedeliverMs: 7_200_000, redeliverAtOnce: 10 };

await onServer(
  "the relay of an outbox on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    /** A participant with the branches of so many transactions in its outbox, and a bus nobody listens to. */
    async function open(count: number) {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { a: 1_000n });
      const { sql } = database;
      await createFence(sql);
      const host = participant(bankPerformer(banks.own, database), systemPorts);
      const ports = virtualPorts();
      const sent: string[] = [];
      let busUp = true;
      const node = {
        options: { ...redelivering, backoffMs: 50, maxBackoffMs: 30_000, driveTimeoutMs: 3_000 },
        ports,
        log: silentLog,
        tracer: () => undefined,
        initiated: new Map([["pay", pay]]),
        resends: resends(redelivering, ports.clock),
        at: () => undefined,
        publishBranch: async (_: unknown, id: string) => {
          if (!busUp) throw new StatusError("UNAVAILABLE", "the bus is away");
          sent.push(id);
        },
      } as unknown as TransactionNode;
      const [first, second] = branchesOf(pay).main;
      assert.ok(first && second);
      const about = { transaction: pay, strategy: "outbox", input };
      const gids = Array.from({ length: count }, () => randomUUID());
      for (const gid of gids) {
        const request = requestFor({ ...about, gid, outputs: new Map() }, first, "apply");
        const rows = { ...about, gid, first: first.id, branches: [second], kind: "message", trace: "" } as const;
        await host.applyAlong(request, background, rows);
      }
      const setup = { node, scheduleOf: () => [], complete: async () => undefined };
      return {
        gids,
        sql,
        sent,
        bus: (up: boolean) => (busUp = up),
        /** Hands on what is due, and gives the ids of what was sent. */
        async relay() {
          sent.length = 0;
          await relayDue(host, setup);
          return [...sent];
        },
        allDue: () => sql`update mortise_outbox set next_at = clock_timestamp()`,
        waiting: async () => {
          const [row] = await sql<{ soon: number; late: number; attempts: number }[]>`
            select count(*) filter (where next_at <= clock_timestamp() + interval '10 minutes')::int as soon,
              count(*) filter (where next_at >= clock_timestamp() + interval '50 minutes')::int as late,
              coalesce(sum(attempts), 0)::int as attempts from mortise_outbox`;
          return row;
        },
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    it("sends all that is new at once, and nothing again before its time", async () => {
      await using at = await open(40);
      assert.deepEqual(new Set(await at.relay()), new Set(at.gids.map((gid) => `${gid}:b2:0`)));
      assert.deepEqual(await at.waiting(), { soon: 0, late: 40, attempts: 40 });
      assert.deepEqual(await at.relay(), []);
    });

    it("sends no more again than its window lets, and puts off the rest", async () => {
      await using at = await open(40);
      await at.relay();
      await at.allDue();
      const again = await at.relay();
      assert.equal(again.length, redelivering.redeliverAtOnce);
      assert.ok(again.every((id) => id.endsWith(":1")));
      assert.deepEqual(await at.waiting(), { soon: 0, late: 40, attempts: 80 });
      await at.allDue();
      assert.deepEqual(await at.relay(), []);
    });

    it("tries soon what a bus that is away does not take, and counts no attempt", async () => {
      await using at = await open(20);
      at.bus(false);
      assert.deepEqual(await at.relay(), []);
      assert.deepEqual(await at.waiting(), { soon: 20, late: 0, attempts: 0 });
      at.bus(true);
      await at.allDue();
      const sent = await at.relay();
      assert.equal(sent.length, 20);
      assert.ok(sent.every((id) => id.endsWith(":0")));
    });

    it("leaves what was paused while it was under way as it is, whatever becomes of that", async () => {
      await using at = await open(1);
      const [gid = ""] = at.gids;
      await at.relay();
      assert.equal(await pauseOutbox(at.sql, gid, true), 1);
      const row = { gid, branch: "b2" };
      assert.equal(await putOff(at.sql, row, { inMs: "never", error: "no" }), false, "it is not given up");
      await putOff(at.sql, row, { inMs: 0, error: "no" });
      await at.allDue();
      assert.deepEqual([await at.relay(), await wakeOutbox(at.sql, gid)], [[], 0]);
      assert.equal(await pauseOutbox(at.sql, gid, false), 1);
      assert.deepEqual(await at.relay(), [`${gid}:b2:1`]);
    });

    it("gives a message that a person wakes another id, so that the bus does not take it for a repetition", async () => {
      await using at = await open(1);
      const [gid = ""] = at.gids;
      await at.relay();
      assert.equal(await wakeOutbox(at.sql, gid), 1);
      assert.deepEqual(await at.relay(), [`${gid}:b2:1`]);
    });
  },
);
