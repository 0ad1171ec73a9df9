import type { WorldTransaction } from "../world/contract.ts";
import type { Told } from "../world/messages.ts";
import type { Role, World } from "../world/world.ts";
import type { Seeded } from "./random.ts";

/** What clerks were told, counted. */
export type Tally = Record<Told["status"] | "unknown", number>;

/** The transactions a strategy may drive honestly. */
export function honest(strategy: string): readonly WorldTransaction[] {
  if (strategy === "best-effort") return ["tell"];
  return strategy === "outbox" || strategy === "message" ? ["pay"] : ["pay", "collect"];
}

export interface LoadOptions {
  readonly world: World;
  readonly random: Seeded;
  readonly accounts: readonly string[];
  readonly strategy: () => string;
  readonly over: () => boolean;
}

const timeoutMs = 5_000;

/** One of many who ask for transactions, again and again: a tenth of them for more than there is, many on one account. */
export async function clerk({ world, random, accounts, strategy, over }: LoadOptions, tally: Tally): Promise<void> {
  const owns = world.roles.filter((role): role is Role & `own${number}` => role.startsWith("own"));
  while (!over()) {
    const wish = {
      transaction: random.one(honest(strategy())),
      from: random.next() < 0.3 ? (accounts[0] ?? "") : random.one(accounts),
      to: random.one(accounts),
      cents: random.next() < 0.1 ? 1_000_000_000 : random.between(3, 50),
      timeoutMs,
      ...(random.next() < 0.3 && { key: `k${random.next()}` }),
    };
    const late = new Promise<undefined>((resolve) => {
      setTimeout(() => resolve(undefined), 2 * timeoutMs).unref(); // who was asked may be asleep
    });
    const asking = world.process(random.one(owns)).ask<Told>({ what: "run", ...wish });
    asking.then(
      (told) => world.books.acknowledge(told),
      () => undefined,
    );
    const told = await Promise.race([asking.catch(() => undefined), late]);
    tally[told?.status ?? "unknown"] += 1;
    if (!told) await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
