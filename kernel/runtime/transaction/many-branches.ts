import type { Context } from "../../call/context.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { OperationType } from "../../contract/transaction/operation.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { FinishItem, LocalOperation, ReserveAnswer, TransactionHandle } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import type { StoredEntry } from "./fence.ts";
import { enterMany, keepMany, keyOf, leaveMany, readMany } from "./fence-many.ts";
import { inFencedTransaction, type Last } from "./in-transaction.ts";
import { areOfOneInput } from "./input-hash.ts";
import { answer, decodeKept, done, encodeKept, type KeptBranch, type KeptRefusal, keptOf, rejected } from "./kept.ts";
import { repeated } from "./local-branch.ts";
import type { AtPlace, BranchPlace } from "./points.ts";

/** Something about one of them that only its own database transaction can tell apart: each is then done alone. */
export class NotTogether extends Error {}

/** Takes many branches of one step each through the same action, in one database transaction. One answer per request. */
export interface ManyBranches {
  forward(requests: readonly DriveRequest[], kind: "reserve" | "apply", context: Context): Promise<DriveReply[]>;
  confirm(requests: readonly DriveRequest[], context: Context): Promise<DriveReply[]>;
  cancel(requests: readonly DriveRequest[], context: Context): Promise<DriveReply[]>;
}

type Replies = Map<string, DriveReply>;

export function manyBranches(
  operation: OperationType,
  own: LocalOperation,
  database: Database,
  at: AtPlace,
): ManyBranches {
  const input = codecOf(operation.input);
  const output = codecOf(operation.output);

  const everyAt = (requests: readonly DriveRequest[], place: BranchPlace) =>
    Promise.all(requests.map(async (request) => at(request, place)));

  function itemOf({ gid, steps: [step] }: DriveRequest) {
    if (!step) throw new NotTogether("a branch of one step has one");
    return { gid, step: step.step, input: input.decode(step.input) };
  }

  /** What a fence row remembers, as what finishes it is given. */
  function finishItem(gid: string, { steps: [step], results: [result] }: KeptBranch): FinishItem<unknown, unknown> {
    if (step?.operation !== operation.name) throw new NotTogether("it was reserved by another operation");
    const bytes = result?.output ?? new Uint8Array();
    return { gid, step: step.step, input: input.decode(step.input), output: output.decode(bytes) };
  }

  function settled(request: DriveRequest, given: ReserveAnswer<unknown> | undefined, kind: "reserve" | "apply") {
    const { gid, branch, steps } = request;
    const step = steps[0]?.step ?? "";
    if (!given) throw new NotTogether("reserveMany gave fewer answers than there were items");
    if ("output" in given) {
      const results = [{ step, output: output.encode(given.output) }];
      return { gid, branch, kind, kept: encodeKept(keptOf(request, results)), reply: done(results) };
    }
    const refusal = refusalOf(step, operation, given.reject);
    const kept = encodeKept(keptOf(request, [], refusal));
    return { gid, branch, kind: "rejected" as const, kept, reply: rejected(refusal) };
  }

  async function finish(
    tx: TransactionHandle,
    how: "confirm" | "cancel",
    items: FinishItem<unknown, unknown>[],
    context: Context,
  ) {
    const many = how === "confirm" ? own.confirmMany : own.cancelMany;
    if (!many) throw new NotTogether(`there is no ${how}Many`);
    if (items.length > 0) await many.call(own, tx, items, context);
  }

  async function together(
    requests: readonly DriveRequest[],
    work: (tx: TransactionHandle, different: readonly DriveRequest[], last: Last) => Promise<Replies>,
  ): Promise<DriveReply[]> {
    const different = new Map(requests.map((request) => [keyOf(request), request]));
    const replies = await inFencedTransaction(database, (tx, last) => work(tx, [...different.values()], last));
    return requests.map((request) => {
      const key = keyOf(request);
      const { inputHash } = request;
      const doing = different.get(key) ?? request;
      const reply = areOfOneInput(request, doing) ? replies.get(key) : undefined;
      if (!reply) return answer("ongoing", "it was left out of its batch");
      return request === doing || !inputHash ? reply : { ...reply, inputHash }; // to whom it was done before
    });
  }

  return {
    async forward(requests, kind, context) {
      await everyAt(requests, "arrived");
      const all = await together(requests, async (tx, different, last) => {
        const entered = await enterMany(tx.sql, { slot: "R", kind, of: different });
        const fresh = different.filter((request) => entered.has(keyOf(request)));
        const known = await readMany(
          tx.sql,
          "R",
          different.filter((request) => !entered.has(keyOf(request))),
        );
        const replies: Replies = new Map([...known].map(([key, row]) => [key, repeated(row)]));
        if (fresh.length === 0) return replies;
        await everyAt(fresh, "entered");
        const items = fresh.map(itemOf);
        const given = (await own.reserveMany?.(tx, items, context)) ?? [];
        if (kind === "apply") await finish(tx, "confirm", reservedOf(items, given), context);
        const kept = fresh.map((request, i) => settled(request, given[i], kind));
        last(keepMany(tx.sql, kept));
        for (const { reply, ...one } of kept) replies.set(keyOf(one), reply);
        return replies;
      });
      await everyAt(requests, "answering");
      return all;
    },

    async confirm(requests, context) {
      const all = await together(requests, async (tx, different) => {
        const writing = enterMany(tx.sql, { slot: "F", kind: "confirm", of: different });
        const reading = readMany(tx.sql, "R", different); // sent along; nobody changes it once a finish is written
        const [entered, reserved] = await Promise.all([writing, reading]);
        const others = different.filter((request) => !entered.has(keyOf(request)));
        const finished = await readMany(tx.sql, "F", others);
        const replies: Replies = new Map();
        const items: FinishItem<unknown, unknown>[] = [];
        const wrong: DriveRequest[] = [];
        for (const request of different) {
          const key = keyOf(request);
          const row = reserved.get(key);
          const before = entered.has(key) ? undefined : finished.get(key);
          replies.set(key, confirmed(request, before, row));
          if (before || !entered.has(key)) continue;
          if (row?.kind === "reserve") items.push(finishItem(request.gid, decodeKept(row.kept)));
          else wrong.push(request);
        }
        await leaveMany(tx.sql, "F", wrong);
        await everyAt(requests, "confirming");
        await finish(tx, "confirm", items, context);
        return replies;
      });
      await everyAt(requests, "confirmed");
      return all;
    },

    cancel: (requests, context) =>
      together(requests, async (tx, different) => {
        const [cancelling, tombs] = await Promise.all([
          enterMany(tx.sql, { slot: "F", kind: "cancel", of: different }),
          enterMany(tx.sql, { slot: "R", kind: "tombstone", of: different }),
        ]);
        const finished = await readMany(
          tx.sql,
          "F",
          different.filter((request) => !cancelling.has(keyOf(request))),
        );
        const mine = different.filter((request) => cancelling.has(keyOf(request)));
        const begun = await readMany(
          tx.sql,
          "R",
          mine.filter((request) => !tombs.has(keyOf(request))),
        );
        const replies: Replies = new Map(mine.map((request) => [keyOf(request), done()]));
        for (const [key, { kind }] of finished) replies.set(key, kind === "cancel" ? done() : contrary(key));
        const items = mine.flatMap(({ gid, branch }) => {
          const row = begun.get(keyOf({ gid, branch }));
          if (row?.kind === "apply") throw new NotTogether("it was applied, and is undone");
          return row?.kind === "reserve" ? [finishItem(gid, decodeKept(row.kept))] : [];
        });
        await everyAt(requests, "undoing");
        await finish(tx, "cancel", items, context);
        return replies;
      }),
  };
}

function reservedOf(
  items: readonly { readonly gid: string; readonly step: string; readonly input: unknown }[],
  given: readonly ReserveAnswer<unknown>[],
): FinishItem<unknown, unknown>[] {
  return items.flatMap((item, i) => {
    const answer = given[i];
    return answer && "output" in answer ? [{ ...item, output: answer.output }] : [];
  });
}

function confirmed(
  { branch }: DriveRequest,
  before: StoredEntry | undefined,
  row: StoredEntry | undefined,
): DriveReply {
  if (before && before.kind !== "confirm")
    return answer("heuristic", `${branch} was to be confirmed and had been cancelled`);
  if (!before && row?.kind !== "reserve")
    return answer("heuristic", `${branch} was to be confirmed and is not reserved`);
  return done(decodeKept(row?.kept ?? null).results);
}

function contrary(key: string): DriveReply {
  return answer("heuristic", `${key.split(":")[1]} was to be taken back and had been confirmed`);
}

type GivenReject = Extract<ReserveAnswer<unknown>, { reject: unknown }>["reject"];

function refusalOf(step: string, { facts }: OperationType, { reason, message, details }: GivenReject): KeptRefusal {
  if (!facts.rejects.includes(reason))
    throw new NotTogether(`reserveMany says ${reason}, which its operation does not declare among its rejects`);
  return { step, reason, message: message || `${step}: ${reason}`, details: new Map(Object.entries(details ?? {})) };
}
