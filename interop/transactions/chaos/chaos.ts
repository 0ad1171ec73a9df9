import { setTimeout as sleep } from "node:timers/promises";
import { natsServer, postgresServer } from "@mortise/kernel/testing";
import { Violation } from "../world/books.ts";
import type { Policy } from "../world/messages.ts";
import { type Role, startWorld, type World } from "../world/world.ts";
import { callWays } from "./calls.ts";
import { clerk, type Tally } from "./load.ts";
import { nemesis } from "./nemesis.ts";
import { type Seeded, seeded } from "./random.ts";
import { inWords, trafficOf } from "./traffic.ts";
import { waysTo } from "./ways.ts";

export interface ChaosOptions {
  /** A strategy, or `swap`: another one every now and then. */
  readonly strategy: string;
  readonly minutes: number;
  readonly seed: number;
  /** How many ask at the same time. */
  readonly clerks: number;
  readonly say: (line: string) => void;
}

/** Those the world can be harmed under; `local` has but one database. */
export const strategies = ["xa", "3pc", "tcc", "saga", "outbox", "message", "best-effort"];
const accounts = Array.from({ length: 20 }, (_, n) => `a${String(n).padStart(2, "0")}`);
const roles: readonly Role[] = ["own1", "own2", "own3", "second", "third", "fourth"];
const healMs = 120_000;
/** Fewer are no load: then nothing was tested. */
const doneEachMinute = 10;

function policyOf(strategy: string): Policy {
  const scheduleMs = [100, 200, 500, 1_000, 2_000, 2_000]; // also for notices that an earlier strategy has left
  const hasDeadline = ["xa", "3pc", "tcc", "saga"].includes(strategy);
  return { strategy, scheduleMs, ...(hasDeadline && { deadlineMs: 3_000 }) };
}

/** Loads, harms, heals and checks. Tells what it did, and whether all of it held. */
export async function chaos({ strategy, minutes, seed, clerks, say }: ChaosOptions): Promise<boolean> {
  const random = seeded(seed);
  const settings = { synchronous_commit: "on" };
  const [postgres, other, nats] = await Promise.all([
    postgresServer({ ours: true, settings }),
    postgresServer({ ours: true, settings }),
    natsServer({ ours: true }),
  ]);
  const servers = await waysTo(roles, [postgres, other], nats);
  const calls = await callWays(roles);
  let current = strategy === "swap" ? random.one(strategies) : strategy;
  let world: World | undefined;
  try {
    world = await startWorld({
      postgres,
      nats,
      prefix: "c_",
      owns: 3,
      accounts,
      cents: 1_000_000,
      patience: { maxBackoffMs: 5_000, redeliverMs: 5_000, maxRedeliverMs: 20_000 },
      policy: policyOf(current),
      elsewhere: { postgres: other, banks: ["second", "third", "fourth"] },
      through: servers.through,
      calling: calls.calling,
    });
    say(`chaos: ${strategy} for ${minutes} minutes, seed ${seed}, ${clerks} clerks`);
    const swap = async (by: Seeded) => {
      current = by.one(strategies);
      world?.policy(policyOf(current)).catch((error: unknown) => say(`no swap: ${String(error)}`));
      return current;
    };
    const began = performance.now();
    const until = began + minutes * 60_000;
    let violation: unknown;
    const over = () => performance.now() > until || violation !== undefined;
    const tally: Tally = { committed: 0, aborted: 0, pending: 0, unknown: 0 };
    const load = { world, accounts, strategy: () => current, over };
    const { books } = world;
    const watching = watch(world, over).catch((error: unknown) => {
      violation = error;
    });
    const told = (what: string) => say(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${what}`);
    const arena = {
      world,
      random,
      nats,
      ways: servers.ways,
      calls: calls.all,
      servers: [books.coordinator, books.sql("second")],
      swap: strategy === "swap" ? swap : undefined,
      say: told,
    };
    const [harm] = await Promise.all([
      nemesis(arena, over),
      ...Array.from({ length: clerks }, (_, n) => clerk({ ...load, random: seeded(seed + 1 + n) }, tally)),
    ]);
    await watching;
    servers.heal();
    calls.heal();
    told(`heals; harm done: ${JSON.stringify(harm)}; told: ${JSON.stringify(tally)}`);
    return await verdict(world, violation, { atLeast: Math.ceil(minutes * doneEachMinute), say: told });
  } finally {
    await world?.[Symbol.asyncDispose]();
    await Promise.all([servers.close(), calls.close()]);
    await Promise.all([postgres.stop(), other.stop(), nats.stop()]);
  }
}

async function watch(world: World, over: () => boolean): Promise<void> {
  while (!over()) {
    await world.books.observe().catch((error: unknown) => {
      if (error instanceof Violation) throw error;
    });
    await sleep(500);
  }
}

interface Judging {
  /** So many transactions were done, or nothing is proved. */
  readonly atLeast: number;
  readonly say: (what: string) => void;
}

async function verdict(world: World, violation: unknown, { atLeast, say }: Judging): Promise<boolean> {
  try {
    if (violation instanceof Error) throw violation;
    const from = performance.now();
    const { retries } = world.books;
    const again = setInterval(() => void retries.sendAgain().catch(() => undefined), 3_000); // as operators do
    const waiting = setInterval(() => {
      void trafficOf(world.nats.url).then(
        (all) => say(inWords(all)),
        () => undefined,
      );
      void world.books.onTheWay().then(
        (left) => say(`${left.length} on their way, for example ${left.at(-1)}`),
        () => undefined,
      );
    }, 15_000);
    say(inWords(await trafficOf(world.nats.url)));
    await world.quiet(healMs).finally(() => {
      clearInterval(waiting);
      clearInterval(again);
    });
    const outcomes = [...(await world.books.audit()).values()];
    const committed = outcomes.filter((outcome) => outcome === "committed").length;
    const refused = outcomes.length - committed;
    if (committed < atLeast || refused === 0)
      throw new Error(
        `this proves nothing: ${committed} done of at least ${atLeast}, ${refused} not done of at least 1`,
      );
    const { asked, heard, sent } = retries.seen();
    if (asked + sent < committed)
      throw new Error(`this proves nothing: ${asked} asked and ${sent} sent were written down`);
    say(
      `branches asked for ${asked} times, heard of ${heard} times, sent over the bus ${sent} times: no more than allowed`,
    );
    say(`${world.books.dirty.size} sagas were seen before they were decided, as they may be`);
    const healed = ((performance.now() - from) / 1000).toFixed(1);
    say(`WHOLE: nothing left after ${healed} s; ${committed} done, ${refused} not done, of ${outcomes.length}`);
    return true;
  } catch (error) {
    say(`BROKEN: ${String(error)}`);
    for (const one of (await world.books.retries.audit()).slice(0, 10)) say(`tried too often: ${one}`);
    for (const role of world.roles) {
      const log = await world
        .process(role)
        .ask<string[]>({ what: "log" })
        .catch(() => []);
      for (const line of log.slice(-15)) say(`${role}: ${line}`);
    }
    return false;
  }
}
