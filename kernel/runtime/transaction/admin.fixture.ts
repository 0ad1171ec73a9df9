import { type Infer, TransactionAdmin, type TransactionQuery } from "../../contract/index.ts";
import type { Client } from "../../spi/runtime.ts";
import type { Database } from "../../spi/store.ts";
import type { Stoppable } from "../../testing/on-server.ts";
import { postgresServer, type TestPostgres } from "../../testing/postgres-server.ts";
import { type LeftHow, type StrategyWorld, strategyWorld } from "../../testing/strategy-world.ts";
import { testStrategy } from "../../testing/test-strategies.ts";

/** Who does something by hand, and why. */
export const ann = { by: "ann", reason: "it looks odd", gid: "", name: "", strategy: "" };

/** What is paid where no test minds how much. */
export const money = { from: "alice", to: "bob", cents: 100n, sponsor: "carol" };

/** A query that every transaction fits. */
export const everything: Infer<typeof TransactionQuery> = {
  name: "",
  statuses: [],
  strategy: "",
  stuck: false,
  olderThanMs: 0n,
  limit: 0,
  open: false,
};

/** Two phases on a server of their own, and what people can do about them. */
export interface AdminWorld extends Stoppable {
  readonly server: TestPostgres;
  readonly world: StrategyWorld;
  readonly admin: Client<typeof TransactionAdmin>;
  /** Reserved everywhere unless told otherwise, undecided, and nobody goes on. */
  undecided(how?: Partial<Pick<LeftHow, "reserved">>): Promise<string>;
}

/** One world for all tests of a file. */
export async function adminWorld(): Promise<AdminWorld> {
  await using opening = new AsyncDisposableStack();
  const server = await postgresServer({ ours: true });
  opening.defer(() => server.stop());
  const world = opening.use(await strategyWorld(server, testStrategy));
  const opened = opening.move();
  return {
    server,
    world,
    admin: world.app.clients.client(TransactionAdmin),
    undecided: (how = {}) => world.left("collect", money, "active", { paused: true, ...how }),
    stop: () => opened.disposeAsync(),
  };
}

/** Nothing can be done at a bank until its accounts are called back. */
export async function accountsAway({ sql }: Database): Promise<() => Promise<void>> {
  await sql`alter table account rename to account_away`;
  return async () => void (await sql`alter table account_away rename to account`);
}
