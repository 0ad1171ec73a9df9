import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import type { Call } from "../../call/call.ts";
import { background } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import { eventContext } from "../../call/server-context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { Acknowledged } from "../../contract/transaction/topics.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { Infer } from "../../contract/types.ts";
import { systemPorts } from "../../core/ports.ts";
import type { Coordinator, TransactionNote } from "../../spi/coordinator.ts";
import type { LocalOperation, Performer, TransactionHandle } from "../../spi/perform.ts";
import { bankDatabase, bankPerformer } from "../../testing/bank.ts";
import { pay as bankPay, banks, Payment } from "../../testing/bank-app.ts";
import { keptLog } from "../../testing/logs.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { handling } from "../handler.ts";
import { acknowledging } from "./acknowledging.ts";
import { branchesOf } from "./branches.ts";
import { hosts } from "./hosting.ts";
import type { TransactionNode } from "./node.ts";
import { requestFor } from "./requests.ts";

const pay = bankPay as unknown as AnyTransaction;
const input = codecOf(Payment).encode({ from: "a", to: "b", cents: 1n, sponsor: "" });
const [first, second] = branchesOf(pay).main;
assert.ok(first && second);
type Ack = Infer<typeof Acknowledged>;

await onServer(
  "a branch that fails, on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    /** The first bank of `pay` and the second, whose `put` fails with whatever the test says. */
    async function open(fail: (tx: TransactionHandle) => Promise<unknown>) {
      const test = await server.database();
      const { database, end } = await bankDatabase(test, { a: 100n, b: 0n });
      const log = keptLog();
      const told: { readonly ack: Ack; readonly id: string }[] = [];
      const notes: TransactionNote[] = [];
      const coordinator = {
        identity: "",
        note: async (_: string, note: TransactionNote) => notes.push(note),
      } as unknown as Coordinator;
      const hosted = hosts({
        publisher: () => async (ack: unknown, _: unknown, how?: { readonly id?: string }) => {
          told.push({ ack: ack as Ack, id: how?.id ?? "" });
        },
        sweeper: { coordinator: () => coordinator, log } as never,
        at: () => undefined,
        ...{ timers: systemPorts.timers, ids: systemPorts.ids },
      });
      await hosted.perform(bankPerformer(banks.own, database));
      const broken: LocalOperation = { reserve: fail, confirm: fail, cancel: fail, undo: fail } as never;
      const perform: Performer["perform"] = { take: broken, put: broken };
      const { listens, offer } = await hosted.perform({ operations: banks.second, database, perform });
      const gid = randomUUID();
      const requested = (strategy: string) =>
        requestFor({ transaction: pay, strategy, input, gid, outputs: new Map() }, second as never, "apply");
      const node = { log, coordinator: () => coordinator } as unknown as TransactionNode;
      const factsOf = (name: string) => builtInStrategies[name as keyof typeof builtInStrategies];
      const { acknowledged } = acknowledging({ node, running: new Map(), hosted, factsOf });
      return {
        ...{ gid, log, told, notes, hosted },
        called: () => (offer.handlers as never as Handlers).drive(requested("saga"), background),
        /** The same on the path of the server, with its log. */
        async asked(context: Context = background) {
          const { drive } = banks.second.service.methods;
          const serving = handling(drive, (offer.handlers as never as Handlers).drive, { log, ids: systemPorts.ids });
          return serving({ method: drive, request: requested("saga"), context } as unknown as Call);
        },
        async delivered(strategy: string) {
          const call = eventContext(background, `${gid}:b2:0`, 1);
          for (const { handler } of listens) await handler(requested(strategy) as never, call);
        },
        heard: async () => {
          for (const { ack } of told) await acknowledged(pay, ack);
        },
        async [Symbol.asyncDispose]() {
          await end(0);
          await test.drop();
        },
      };
    }

    const noPaper = async () => {
      throw new StatusError("FAILED_PRECONDITION", "the printer is out of paper", { reason: "NO_PAPER" });
    };

    it("is written down once at its participant, with all that tells which it is", async () => {
      await using at = await open(noPaper);
      await assert.rejects(at.called(), { reason: "NO_PAPER" });
      const [line, ...others] = at.log.lines;
      assert.equal(others.length, 0);
      assert.deepEqual([line?.level, line?.message], ["error", "a branch failed"]);
      const { error, ...facts } = line?.fields ?? {};
      assert.ok(error instanceof StatusError);
      assert.deepEqual(facts, {
        ...{ gid: at.gid, transaction: "pay", strategy: "saga", branch: "b2", participant: banks.second.name },
        ...{ operation: "put", action: "apply", reason: "the printer is out of paper" },
      });
    });

    it("is written down once where an operation throws what is no status, under the id its caller is told", async () => {
      const bug = new TypeError("cents is not a function");
      await using at = await open(async () => {
        throw bug;
      });
      const told = await at.asked().catch((error: unknown) => error);
      assert.ok(told instanceof StatusError);
      const { errorId } = told.details;
      assert.deepEqual([told.code, told.reason, told.message], ["INTERNAL", "INTERNAL", `internal error ${errorId}`]);
      assert.deepEqual(
        at.log.lines.map(({ level, message }) => [level, message]),
        [["error", "a branch failed"]],
      );
      const facts = at.log.lines[0]?.fields ?? {};
      assert.equal(facts.error, bug);
      assert.deepEqual([facts.errorId, facts.gid, facts.branch, facts.operation], [errorId, at.gid, "b2", "put"]);
    });

    it("is written down once where it came over the bus, under the id whoever sent it is told", async () => {
      await using at = await open(async () => {
        throw new TypeError("cents is not a function");
      });
      const thrown = await at.delivered("message").catch((error: unknown) => error);
      assert.ok(thrown instanceof StatusError, "the path of the bus writes down what is no status");
      const { errorId } = thrown.details;
      assert.deepEqual(
        at.log.lines.map(({ message, fields }) => [message, fields?.errorId]),
        [["a branch failed", errorId]],
      );
      await at.heard();
      assert.deepEqual(at.notes, [{ lastError: `b2: internal error ${errorId}` }]);
    });

    it("tells of a cancellation whoever has cancelled, whatever the operation makes of it", async () => {
      const gone = new AbortController();
      await using at = await open(async () => {
        gone.abort();
        throw new Error("aborted");
      });
      await assert.rejects(at.asked(background.with({ signal: gone.signal })), { code: "CANCELLED" });
      assert.deepEqual(
        at.log.lines.map(({ message }) => message),
        ["a branch failed"],
      );
    });

    it("is not written down where it was refused as declared, or the database was away", async () => {
      const lost = Object.assign(new Error("gone"), { code: "ECONNRESET" });
      await using at = await open(async () => {
        throw lost;
      });
      await assert.rejects(at.called(), { code: "UNAVAILABLE" });
      await assert.rejects(at.delivered("message"), { code: "UNAVAILABLE" });
      const own = at.hosted.get(banks.own.name);
      const poor = codecOf(Payment).encode({ from: "a", to: "b", cents: 1_000n, sponsor: "" });
      const parts = { transaction: pay, strategy: "saga", input: poor, gid: at.gid, outputs: new Map() };
      const reply = await own?.drive(requestFor(parts, first as never, "apply"), background);
      assert.equal(reply?.outcome, "rejected");
      assert.deepEqual([at.log.lines, at.told], [[], []]);
    });

    it("tells whoever sent it over the bus, who keeps it with the record", async () => {
      await using at = await open(noPaper);
      await assert.rejects(at.delivered("message"), { reason: "NO_PAPER" });
      assert.deepEqual(
        at.told.map(({ id }) => id),
        [`${at.gid}:b2:0:1:failed`],
      );
      await at.heard();
      assert.deepEqual(at.notes, [{ lastError: "b2: the printer is out of paper" }]);
    });

    it("tells whoever has it in an outbox, where it waits on as it did", async () => {
      await using at = await open((tx) => tx.sql`insert into account (id, balance) values ('odd', -1)`);
      const own = at.hosted.get(banks.own.name);
      const about = { transaction: pay, strategy: "outbox", input, gid: at.gid };
      const rows = { ...about, first: "b1", branches: [second as never], kind: "message", trace: "" } as const;
      const request = requestFor({ ...about, outputs: new Map() }, first as never, "apply");
      assert.equal((await own?.applyAlong(request, background, rows))?.outcome, "done");
      await assert.rejects(at.delivered("outbox"), /internal error/);
      await at.heard();
      const [row, ...others] = (await own?.inspect(at.gid))?.outbox ?? [];
      assert.equal(others.length, 0);
      assert.match(row?.lastError ?? "", /account_balance_check/);
      assert.equal(row?.state, "ready");
      assert.deepEqual(at.notes, []);
    });
  },
);

interface Handlers {
  drive(request: unknown, call: unknown): Promise<unknown>;
}
