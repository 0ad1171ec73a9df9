import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Random, systemPorts } from "../../core/ports.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import type {
  Coordinator,
  Decision,
  DecisionDetails,
  LastNote,
  NewTransaction,
  TransactionNote,
  TransactionRecord,
  TransactionStatus,
} from "../coordinator.ts";
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
      readonly status: NewTransaction["status"];
    }
  | {
      readonly what: "decide";
      readonly one: number;
      readonly decision: Decision;
      readonly output: string;
      readonly next: DecisionDetails["next"];
    }
  | { readonly what: "finish"; readonly one: number; readonly last: LastNote | undefined }
  | { readonly what: "note"; readonly one: number; readonly note: TransactionNote }
  | { readonly what: "renew"; readonly one: number; readonly owner: string }
  | { readonly what: "claim"; readonly owner: string }
  | { readonly what: "pause"; readonly one: number; readonly paused: boolean }
  | { readonly what: "closeBranch"; readonly one: number; readonly branch: string }
  | { readonly what: "inquire" | "wake" | "close" | "get"; readonly one: number };

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
        const { one, owner, due, status } = asked;
        const abort = status === "aborting" ? noStock.reason : undefined;
        if (!known) all.set(one, { ...blank, owner, due, status, abort });
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
          ...(asked.next && { attempts: asked.next.attempts, owner: "", due: asked.next.nextInMs === 0 }),
        });
        return asked.decision;
      case "finish": {
        const { one, last: { done = [], outputs = {} } = {} } = asked;
        if (known && endOf(known.status) !== undefined)
          change(one, {
            done: union(known.done, done),
            outputs: union(known.outputs, Object.keys(outputs)).sort(),
          });
        return end(one, known?.heuristic ?? "");
      }
      case "close":
        return end(asked.one, withReason(known, "x"));
      case "closeBranch": {
        const { one, branch } = asked;
        if (!known || endOf(known.status) === undefined || known.done.includes(branch)) return false;
        return change(one, {
          done: union(known.done, [branch]),
          heuristic: withReason(known, branch),
        });
      }
      case "note": {
        const { nextInMs, done = [], outputs = {}, heuristic = "", ...said } = asked.note;
        const lease: Partial<Modelled> = nextInMs === undefined ? {} : { owner: "", due: nextInMs === 0 };
        const added = { done: union(known?.done, done), outputs: union(known?.outputs, Object.keys(outputs)).sort() };
        return void change(asked.one, { ...said, ...lease, ...added, heuristic: withReason(known, heuristic) });
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

function withReason(known: Modelled | undefined, more: string): string {
  return union(known?.heuristic ? known.heuristic.split("; ") : [], more === "" ? [] : [more]).join("; ");
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
        const { one, owner, due, status } = asked;
        const sample = sampleTransaction({ name, gid: gidOf(one), status, abort: noStock });
        return modelled(await coordinator.begin(sample, owner, due ? 0 : long));
      }
      case "decide": {
        const { one, decision, output, next } = asked;
        const outputs = { [output]: new Uint8Array() };
        return coordinator.decide(gidOf(one), decision, { outputs, abort: noStock, ...(next && { next }) });
      }
      case "finish":
        return coordinator.finish(gidOf(asked.one), asked.last);
      case "close":
        return coordinator.close(gidOf(asked.one), "x");
      case "closeBranch":
        return coordinator.close(gidOf(asked.one), asked.branch, asked.branch);
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

/** The next thing to ask. */
function randomRequest(random: Random): Asked {
  const below = (limit: number) => Math.floor(random() * limit);
  const oneOf = <T>(...values: readonly T[]): T => values[below(values.length)] as T;
  const maybe = <T extends object>(part: T) => (below(3) === 0 ? part : {});
  const [one, owner] = [below(3), oneOf("ann", "bob")];
  const some = (...values: readonly string[]) => values.filter(() => below(2) === 0);
  const last = (): LastNote => ({
    ...maybe({ done: [...some("b1", "b2"), ...some("b1", "b3")] }),
    ...maybe({ outputs: Object.fromEntries(some("o2", "o3").map((step) => [step, new Uint8Array()])) }),
  });
  const next = () => (below(3) === 0 ? { attempts: below(10), nextInMs: oneOf(0, long) } : undefined);
  const note = (): TransactionNote => ({
    ...last(),
    ...maybe({ attempts: below(10) }),
    ...maybe({ lastError: oneOf("", "away", 'it\'s "away" \\ ä') }),
    ...maybe({ stuck: oneOf(true, false) }),
    ...maybe({ heuristic: oneOf("", "lost", "b1") }),
    ...maybe({ nextInMs: oneOf(0, long) }),
  });
  const requests: readonly (readonly [weight: number, make: () => Asked])[] = [
    [4, () => ({ what: "begin", one, owner, due: oneOf(true, false), status: startOf(below(8)) })],
    [
      4,
      () => ({
        what: "decide",
        one,
        decision: oneOf("committing", "aborting"),
        output: oneOf("o1", "o2"),
        next: next(),
      }),
    ],
    [1, () => ({ what: "finish", one, last: oneOf(undefined, last()) })],
    [3, () => ({ what: "note", one, note: note() })],
    [2, () => ({ what: "claim", owner })],
    [1, () => ({ what: "renew", one, owner })],
    [1, () => ({ what: "pause", one, paused: oneOf(true, false) })],
    [1, () => ({ what: "closeBranch", one, branch: oneOf("b1", "b2") })],
    [5, () => ({ what: oneOf("inquire", "wake", "close", "get"), one })],
  ];
  return oneOf(...requests.flatMap(([weight, make]) => Array<() => Asked>(weight).fill(make)))();
}

/** Most begin undecided. */
function startOf(die: number): NewTransaction["status"] {
  return die === 0 ? "aborting" : die === 1 ? "committing" : "active";
}

/** One request, and which of two processes it is asked of. */
type Step = readonly [request: Asked, bySecond: boolean];

/** The first answer that is not that of the model; undefined when all are. */
async function difference(
  first: Coordinator,
  second: Coordinator,
  steps: readonly Step[],
): Promise<string | undefined> {
  const gids = Array.from({ length: 3 }, () => randomUUID());
  const name = randomUUID(); // so that what other runs leave due is none of its business
  const [expected, ask, askSecond] = [model(), asker(first, name, gids), asker(second, name, gids)];
  const looks = gids.map((_, one): Step => [{ what: "get", one }, false]);
  for (const [request, bySecond] of [...steps, ...looks]) {
    const [given, wanted] = [await (bySecond ? askSecond : ask)(request), expected(request)];
    if (!isDeepStrictEqual(given, wanted))
      return `${JSON.stringify(request)} is answered ${JSON.stringify(given)} and not ${JSON.stringify(wanted)}`;
  }
  return undefined;
}

/** What is left of steps that show a difference when each that is not needed for it is left out. */
async function smallest(first: Coordinator, second: Coordinator, steps: readonly Step[]): Promise<readonly Step[]> {
  let left = steps;
  for (let i = steps.length - 1; i >= 0; i--) {
    const without = left.toSpliced(i, 1);
    if ((await difference(first, second, without)) !== undefined) left = without;
  }
  return left;
}

/** What a coordinator does with any requests in any order. */
export const modelLaws = [
  law("answers as a simple model of it does, whatever is asked in whatever order", async (first, second) => {
    for (let run = 0; run < 60; run++) {
      const seed = Math.floor(systemPorts.random() * 2 ** 31);
      const { random } = virtualPorts({ seed });
      const length = Math.floor(random() * 60);
      const steps = Array.from({ length }, (): Step => [randomRequest(random), random() < 0.5]);
      if ((await difference(first, second, steps)) === undefined) continue;
      const few = await smallest(first, second, steps);
      assert.fail(`seed ${seed}: ${await difference(first, second, few)} after ${JSON.stringify(few)}`);
    }
  }),
];
