import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Coordinator, Decision, TransactionNote, TransactionRecord, TransactionStatus } from "../coordinator.ts";
import { endOf, hasEnded } from "../transaction-record.ts";
import { law, long, noStock, sampleTransaction } from "./common.ts";

/** What the model knows of one transaction. Time is only whether it is due. */
interface Modelled {
  readonly status: TransactionStatus;
  /** Whether a begin has brought its plan. */
  readonly planned: boolean;
  readonly owner: string;
  readonly due: boolean;
  readonly paused: boolean;
  readonly done: readonly string[];
  readonly attempts: number;
  readonly lastError: string;
  readonly stuck: boolean;
  readonly heuristic: string;
  readonly outputs: readonly string[];
  readonly abort: string | undefined;
}

/** One thing asked of a coordinator. `one` is the number of a transaction. */
type Asked =
  | {
      readonly what: "begin";
      readonly one: number;
      readonly owner: string;
      readonly due: boolean;
      readonly committing: boolean;
    }
  | { readonly what: "decide"; readonly one: number; readonly decision: Decision; readonly output: string }
  | { readonly what: "note"; readonly one: number; readonly note: TransactionNote }
  | { readonly what: "renew"; readonly one: number; readonly owner: string }
  | { readonly what: "claim"; readonly owner: string }
  | { readonly what: "pause"; readonly one: number; readonly paused: boolean }
  | { readonly what: "finish" | "inquire" | "wake" | "close" | "get"; readonly one: number };

const blank: Modelled = {
  ...{ status: "active", planned: true, owner: "", due: false, paused: false, done: [], attempts: 0, lastError: "" },
  ...{ stuck: false, heuristic: "", outputs: [], abort: undefined },
};

/** What is asked, of transactions by number, as the model answers it. */
function model() {
  const all = new Map<number, Modelled>();

  function change(one: number, more: Partial<Modelled>): boolean {
    const known = all.get(one);
    if (!known || hasEnded(known.status)) return false;
    all.set(one, { ...known, ...more });
    return true;
  }

  function abortUnbegun(one: number, abort: string): TransactionStatus {
    all.set(one, { ...blank, status: "aborting", planned: false, abort });
    return "aborting";
  }

  function end(one: number, heuristic: string): boolean {
    const known = all.get(one);
    const status = known && endOf(known.status);
    return status !== undefined && change(one, { status, stuck: false, heuristic });
  }

  return (asked: Asked): unknown => {
    const known = "one" in asked ? all.get(asked.one) : undefined;
    switch (asked.what) {
      case "begin": {
        const { one, owner, due, committing } = asked;
        if (!known) all.set(one, { ...blank, owner, due, status: committing ? "committing" : "active" });
        else if (!known.planned) change(one, { planned: true, owner, due });
        return known && all.get(one);
      }
      case "decide":
        if (!known) return asked.decision === "aborting" ? abortUnbegun(asked.one, noStock.reason) : undefined;
        if (known.status !== "active") return known.status;
        change(asked.one, {
          status: asked.decision,
          outputs: union(known.outputs, [asked.output]).sort(),
          abort: asked.decision === "aborting" ? noStock.reason : undefined,
        });
        return asked.decision;
      case "finish":
        return void end(asked.one, known?.heuristic ?? "");
      case "close":
        return end(asked.one, known?.heuristic ? `${known.heuristic}; x` : "x");
      case "note": {
        const { nextInMs, done = [], outputs = {}, ...said } = asked.note;
        const lease: Partial<Modelled> = nextInMs === undefined ? {} : { owner: "", due: nextInMs === 0 };
        const added = { done: union(known?.done, done), outputs: union(known?.outputs, Object.keys(outputs)).sort() };
        return void change(asked.one, { ...said, ...lease, ...added });
      }
      case "renew":
        return void (known?.owner === asked.owner && change(asked.one, { due: false }));
      case "claim": {
        for (const [one, { planned, due, heuristic }] of all) if (!planned && due) end(one, heuristic);
        const due = [...all].filter(([, one]) => one.planned && one.due && !one.paused && !hasEnded(one.status));
        for (const [one] of due) change(one, { owner: asked.owner, due: false });
        return due.map(([one]) => one).sort();
      }
      case "inquire":
        return known?.status ?? abortUnbegun(asked.one, "ORPHAN");
      case "wake":
        return change(asked.one, { owner: "", due: true });
      case "pause":
        return change(asked.one, { paused: asked.paused });
      case "get":
        return known;
    }
  };
}

function union(known: readonly string[] = [], added: readonly string[] = []): string[] {
  return [...new Set([...known, ...added])];
}

/** The same asked of a coordinator, answered in the words of the model. */
function asker(coordinator: Coordinator, name: string, gids: readonly string[]) {
  const gidOf = (one: number) => gids[one] as string;
  return async (asked: Asked): Promise<unknown> => {
    switch (asked.what) {
      case "begin": {
        const { one, owner, due, committing } = asked;
        const sample = sampleTransaction({ name, gid: gidOf(one), status: committing ? "committing" : "active" });
        return modelled(await coordinator.begin(sample, owner, due ? 0 : long));
      }
      case "decide": {
        const { one, decision, output } = asked;
        return coordinator.decide(gidOf(one), decision, { outputs: { [output]: new Uint8Array() }, abort: noStock });
      }
      case "close":
        return coordinator.close(gidOf(asked.one), "x");
      case "note":
        return coordinator.note(gidOf(asked.one), asked.note);
      case "renew":
        return coordinator.renew([gidOf(asked.one)], asked.owner, long);
      case "claim": {
        const request = { owner: asked.owner, names: [name], limit: 100, leaseMs: long };
        return (await coordinator.claim(request)).map(({ gid }) => gids.indexOf(gid)).sort();
      }
      case "pause":
        return coordinator.pause(gidOf(asked.one), asked.paused);
      case "get":
        return modelled(await coordinator.get(gidOf(asked.one)));
      default:
        return coordinator[asked.what](gidOf(asked.one));
    }
  };
}

function modelled(record: TransactionRecord | undefined): Modelled | undefined {
  if (!record) return undefined;
  const { status, name, owner, nextAt, leaseUntil, createdAt, paused, done, attempts } = record;
  const { lastError, stuck, heuristic, outputs, abort } = record;
  const planned = name !== "";
  const due = nextAt < createdAt + long / 4 && leaseUntil <= nextAt;
  return {
    ...{ status, planned, owner, due, paused, done, attempts, lastError, stuck, heuristic },
    ...{ outputs: Object.keys(outputs).sort(), abort: abort?.reason },
  };
}

const one = fc.nat({ max: 3 });
const owner = fc.constantFrom("ann", "bob");
const note: fc.Arbitrary<TransactionNote> = fc.record(
  {
    done: fc.array(fc.constantFrom("b1", "b2", "b3"), { maxLength: 3 }),
    outputs: fc.dictionary(fc.constantFrom("o2", "o3"), fc.constant(new Uint8Array()), { maxKeys: 2 }),
    attempts: fc.nat({ max: 9 }),
    lastError: fc.constantFrom("", "away", 'it\'s "away" \\ ä'),
    stuck: fc.boolean(),
    heuristic: fc.constantFrom("", "lost"),
    nextInMs: fc.constantFrom(0, long),
  },
  { requiredKeys: [] },
);
const asked: fc.Arbitrary<Asked> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("begin" as const),
      one,
      owner,
      due: fc.boolean(),
      committing: fc.nat(4).map((n) => n === 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("decide" as const),
      one,
      decision: fc.constantFrom<Decision>("committing", "aborting"),
      output: fc.constantFrom("o1", "o2"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("note" as const), one, note }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("claim" as const), owner }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("renew" as const), one, owner }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("pause" as const), one, paused: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom("finish" as const, "inquire" as const, "wake" as const, "close" as const, "get" as const),
      one,
    }),
  },
);

/** What a coordinator does with any requests in any order. */
export const modelLaws = [
  law("answers as a simple model of it does, whatever is asked in whatever order", async (first, second) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(asked, fc.boolean()), { maxLength: 40, size: "max" }), async (requests) => {
        const gids = Array.from({ length: 4 }, () => randomUUID());
        const name = randomUUID(); // so that what other runs leave due is none of its business
        const [expected, ask, askSecond] = [model(), asker(first, name, gids), asker(second, name, gids)];
        for (const [request, bySecond] of requests) {
          assert.deepEqual(await (bySecond ? askSecond : ask)(request), expected(request), JSON.stringify(request));
        }
        for (const one of gids.keys()) {
          assert.deepEqual(await ask({ what: "get", one }), expected({ what: "get", one }));
        }
      }),
      { numRuns: 60 },
    );
  }),
];
