import { setTimeout as sleep } from "node:timers/promises";
import type { Role } from "../world/world.ts";
import { type Arena, aWhile, type Harm } from "./arena.ts";
import type { CallWay } from "./calls.ts";
import type { Weather } from "./proxy.ts";
import type { Seeded } from "./random.ts";

type Both = readonly [requests: Weather, answers: Weather];

/** What a network does to calls, each direction by itself. That requests arrive and answers do not is the most frequent. */
function weatherOf(random: Seeded): Both {
  const late = () => random.between(20, 400);
  const skies: readonly (() => Both)[] = [
    () => ["pass", "silent"],
    () => ["pass", "silent"],
    () => ["pass", "cut"],
    () => ["silent", "pass"],
    () => ["silent", "silent"],
    () => ["cut", "pass"],
    () => ["cut", "cut"],
    () => [late(), late()],
    () => ["pass", late()],
    () => [late(), "silent"],
  ];
  return random.one(skies)();
}

/** Which calls: those of one process to another, all that one process makes, or all that one process gets. */
function disturbed({ random, world, calls }: Arena): readonly [what: string, ways: readonly CallWay[]] {
  const beginning = world.roles.filter((role) => role.startsWith("own"));
  const of = (from: readonly Role[], to: readonly Role[]) =>
    calls.filter((one) => from.includes(one.from) && to.includes(one.to));
  const extent = random.between(0, 3);
  const [one, other] = [random.one(beginning), random.one(world.roles)];
  if (extent === 0) return [`from ${one}`, of([one], world.roles)];
  if (extent === 1 || one === other) return [`to ${other}`, of(world.roles, [other])];
  return [`from ${one} to ${other}`, of([one], [other])];
}

/** Disturbs calls between processes; what was held comes late in the end, or never. */
export const partition: Harm = async (arena) => {
  const { random, say } = arena;
  const [what, ways] = disturbed(arena);
  const [requests, answers] = weatherOf(random);
  const isLost = random.next() < 0.5;
  const forMs = aWhile(random);
  const isHeld = requests === "silent" || answers === "silent";
  const end = isHeld ? (isLost ? ", then lost" : ", then late") : "";
  say(`calls ${what}: requests ${inWords(requests)}, answers ${inWords(answers)} for ${forMs} ms${end}`);
  for (const { way } of ways) way.weather(requests, answers);
  await sleep(forMs);
  if (isHeld && isLost) for (const { way } of ways) way.weather("cut");
  for (const { way } of ways) way.weather("pass");
};

const inWords = (weather: Weather) => (typeof weather === "number" ? `${weather} ms late` : weather);
