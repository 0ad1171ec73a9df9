import type { RealServer } from "@mortise/kernel/testing";
import type { Sql } from "postgres";
import type { Role, World } from "../world/world.ts";
import type { CallWay } from "./calls.ts";
import type { Seeded } from "./random.ts";
import type { Ways } from "./ways.ts";

export interface Arena {
  readonly world: World;
  readonly random: Seeded;
  readonly nats: RealServer;
  readonly ways: ReadonlyMap<Role, Ways>;
  readonly calls: readonly CallWay[];
  /** Two servers of PostgreSQL, each by one of its databases. */
  readonly servers: readonly Sql[];
  /** Undefined: the strategy stays. */
  readonly swap: ((random: Seeded) => Promise<string>) | undefined;
  readonly say: (what: string) => void;
}

/** Does harm, and undoes it after a while. */
export type Harm = (arena: Arena) => Promise<void>;

/** Now and then longer than a lease (2 s) and than a deadline (3 s). */
export const aWhile = (random: Seeded) => random.between(300, 5_000);
