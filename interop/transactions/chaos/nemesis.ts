import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import type { Role, World } from "../world/world.ts";
import { type Arena, aWhile, type Harm } from "./arena.ts";
import { partition } from "./partition.ts";
import type { Way } from "./proxy.ts";
import { seeded } from "./random.ts";
import type { Ways } from "./ways.ts";

const kill: Harm = async ({ world, random, say }) => {
  const role = random.one(world.roles);
  const forMs = random.between(0, 1_000);
  say(`SIGKILL ${role}`);
  await sleep(forMs);
  await restarted(world, role, say);
};

/** Whoever watches over processes starts them until they run: a start may meet another harm. */
async function restarted(world: World, role: Role, say: Arena["say"]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await world.restart(role);
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      say(
        `${role} did not start: ${
          String(error)
            .split("\n")
            .find((line) => line.includes("Error:") && line.includes("failed")) ?? "it died"
        }`,
      );
      await sleep(1_000);
    }
  }
}

const stop: Harm = async ({ world, random, say }) => {
  const role = random.one(world.roles);
  const forMs = aWhile(random);
  say(`SIGSTOP ${role} for ${forMs} ms`);
  const process = world.process(role);
  process.signal("SIGSTOP");
  await sleep(forMs);
  process.signal("SIGCONT");
};

const crash: Harm = async ({ random, servers, say }) => {
  const at = random.between(0, servers.length - 1);
  const [row] = await (servers[at] as Sql)<{ pid: number }[]>`
    select split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int as pid`;
  if (row) {
    say(`immediate stop of PostgreSQL ${at + 1}`);
    process.kill(row.pid, "SIGQUIT");
  }
};

const terminate: Harm = async ({ random, servers, say }) => {
  const at = random.between(0, servers.length - 1);
  const rows = await (servers[at] as Sql)`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'mortise' and pid <> pg_backend_pid() and random() < 0.5`;
  say(`${rows.length} connections of PostgreSQL ${at + 1} ended`);
};

/** Disturbs the ways from one process for a while, as a network does. */
const disturbing =
  (to: string, waysOf: (all: Ways) => readonly Way[]): Harm =>
  async ({ random, ways, say }) => {
    const role = random.one([...ways.keys()]);
    const weather = random.one(["cut", "silent", random.between(20, 400)] as const);
    const forMs = aWhile(random);
    const found = ways.get(role);
    const disturbed = found ? waysOf(found) : [];
    say(
      `network from ${role} to ${to}: ${typeof weather === "number" ? `${weather} ms late` : weather} for ${forMs} ms`,
    );
    for (const way of disturbed) way.weather(weather);
    await sleep(forMs);
    for (const way of disturbed) way.weather("pass");
  };

const storm = disturbing("its databases", ({ databases }) => databases);
const fog = disturbing("NATS", ({ bus }) => [bus]);

const bus: Harm = async ({ random, nats, say }) => {
  const forMs = random.between(0, 2_000);
  say("SIGKILL NATS");
  await nats.kill();
  await sleep(forMs);
  await nats.restart();
};

const change: Harm = async ({ random, swap, say }) => {
  if (swap) say(`strategy ${await swap(random)}`);
};

/** One harm at a time on each process, several at the same time on the whole. */
export async function nemesis(arena: Arena, over: () => boolean): Promise<Readonly<Record<string, number>>> {
  const harms: readonly (readonly [string, Harm, number])[] = [
    ["kill", kill, 4],
    ["stop", stop, 4],
    ["crash", crash, 1],
    ["terminate", terminate, 2],
    ["storm", storm, 4],
    ["fog", fog, 3],
    ["partition", partition, 6],
    ["bus", bus, 1],
    ["swap", change, arena.swap ? 4 : 0],
  ];
  const drawn = harms.flatMap(([name, harm, weight]) => Array.from({ length: weight }, () => [name, harm] as const));
  const counts: Record<string, number> = {};
  const busy = new Map<string, Promise<unknown>>();
  while (!over()) {
    const [name, harm] = arena.random.one(drawn);
    const random = seeded(arena.random.between(0, 2 ** 32 - 1)); // what a harm draws moves nothing that is drawn after it
    if (!busy.has(name)) {
      counts[name] = (counts[name] ?? 0) + 1;
      const work = harm({ ...arena, random })
        .catch((error: unknown) => arena.say(`${name} failed: ${String(error)}`))
        .finally(() => busy.delete(name));
      busy.set(name, work);
    }
    await sleep(arena.random.between(200, 1_500));
  }
  await Promise.all(busy.values());
  return counts;
}
