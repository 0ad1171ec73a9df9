import assert from "node:assert/strict";
import { eventually } from "@mortise/kernel/testing";
import type { Allowed } from "../world/books.ts";
import { Violation } from "../world/books.ts";
import type { WorldTransaction } from "../world/contract.ts";
import type { Policy, Told } from "../world/messages.ts";
import type { Role, World } from "../world/world.ts";

/** One transaction that a test asks for. */
export interface Wish {
  readonly role?: Role;
  readonly transaction?: WorldTransaction;
  readonly from?: string;
  readonly to?: string;
  readonly cents?: number;
  readonly key?: string;
  readonly timeoutMs?: number;
}

/** The processes that begin transactions, and perform the first bank. */
export const owns = ["own1", "own2"] as const;

/** What a test does with a world. Everything is observed while it goes on. */
export interface Scene {
  readonly world: World;
  /** No other scene has it. */
  readonly number: number;
  policy(policy: Policy): Promise<void>;
  arm(role: Role, points: string): Promise<void>;
  /** What was told is kept: it must stay true. Rejects when the process dies. */
  run(wish?: Wish): Promise<Told>;
  /** The outcome in the end. */
  outcome(told: Pick<Told, "gid">, transaction?: WorldTransaction): Promise<Told["status"]>;
  held(role: Role, point: string): Promise<void>;
  release(role: Role, whom?: "all" | "first"): Promise<void>;
  /** The first of them ends with SIGKILL by itself, and is started again; the others are to go on. */
  dies(...roles: readonly Role[]): Promise<void>;
  /** Waits until nothing is on its way, and checks everything. Gives how many are done. */
  whole(): Promise<ReadonlyMap<string, "committed" | "aborted">>;
  /** From now on a person has interfered with it. */
  interfered(gid: string): void;
}

let scenes = 0;
const interfered = new WeakMap<World, string[]>();

/** Plays a scene in a world, looking at all books all the time. */
export async function play(world: World, act: (scene: Scene) => Promise<void>): Promise<void> {
  let strategy = "tcc";
  const allowed = interfered.get(world) ?? [];
  interfered.set(world, allowed);
  const rules: Allowed = { heuristic: allowed };
  const scene: Scene = {
    world,
    number: scenes++,
    async policy(policy) {
      strategy = policy.strategy;
      await world.policy(policy);
    },
    arm: (role, points) => world.process(role).ask({ what: "arm", points }),
    async run({ role = "own1", transaction, from = "alice", to = "bob", cents = 10, key, timeoutMs = 30_000 } = {}) {
      const what = transaction ?? (strategy === "best-effort" ? "tell" : "pay");
      const ask = {
        what: "run",
        transaction: what,
        from,
        to,
        cents,
        timeoutMs,
        ...(key !== undefined && { key }),
      } as const;
      const told = await world.process(role).ask<Told>(ask);
      world.books.acknowledge(told);
      return told;
    },
    async outcome({ gid }, transaction = strategy === "best-effort" ? "tell" : "pay") {
      const told = await world.process("own2").ask<Told>({ what: "wait", transaction, gid, timeoutMs: 10_000 });
      world.books.acknowledge(told);
      return told.status;
    },
    held: (role, point) => world.process(role).held(point),
    release: (role, whom = "all") => world.process(role).ask({ what: "release", whom }),
    async dies(...roles) {
      const dead = Promise.race(roles.map(async (role) => ({ role, how: await world.process(role).gone })));
      const { role, how } = await soon(dead, `${roles.join(" or ")} has not died`);
      assert.equal(how, "SIGKILL");
      const others = roles.filter((other) => other !== role);
      // Before it is told, another may have come there and died as well.
      await Promise.all(others.map((other) => scene.arm(other, "").catch(() => world.restart(other))));
      await world.restart(role);
    },
    async whole() {
      await world.quiet();
      return world.books.audit(rules);
    },
    interfered: (gid) => void allowed.push(gid),
  };
  await afresh(world);
  let over = false;
  const watching = watch(world, () => over);
  watching.catch(() => undefined); // told at the end
  try {
    await act(scene);
  } finally {
    over = true;
    await watching;
  }
}

/** What an earlier scene left behind is no business of this one. */
async function afresh(world: World): Promise<void> {
  for (const role of world.roles) {
    world.process(role).signal("SIGCONT");
    const released = world.process(role).ask({ what: "release", whom: "all" });
    await released.catch(() => world.restart(role));
    await world.process(role).ask({ what: "arm", points: "" });
  }
}

async function watch(world: World, over: () => boolean): Promise<void> {
  while (!over()) {
    await world.books.observe().catch((error: unknown) => {
      if (error instanceof Violation) throw error; // a server that is away is none
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`${what} within 90 s`)), 90_000).unref();
  });
  return Promise.race([promise, late]);
}

/** Waits for rows. */
export function appears(query: () => PromiseLike<readonly unknown[]>, atLeast = 1): Promise<true> {
  return eventually(async () => (await query()).length >= atLeast || undefined, 90_000) as Promise<true>;
}
