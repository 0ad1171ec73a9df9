import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Plugin } from "@mortise/kernel";
import { commitsOf } from "../../bench/tx/measure.ts";
import { type BenchServer, benchServer } from "../../bench/tx/server.ts";
import { accountOf, type Databases, makeBanks, type World, world } from "../../bench/tx/world.ts";
import { strategies } from "./bank.fixture.ts";

const repository = join(import.meta.dirname, "../..");
const expected = (strategy: string, databases: number): number => {
  const { business, single } = commitsOf(strategy, databases);
  return business + single;
};

describe("commits of one transaction that meets no other", () => {
  let server: BenchServer;
  before(async () => {
    server = await benchServer();
    await using store = await server.open();
    await makeBanks(store);
  });
  after(() => server.stop());

  for (const strategy of strategies) {
    const several = strategy.name === "local" ? ([1] as const) : ([2, 4] as const);
    for (const databases of several)
      it(`are what the bound of the bench counts for ${strategy.name}, over ${databases}`, async () => {
        const counted = await committed(server, strategy, databases);
        const least = expected(strategy.name, databases);
        // The two last acknowledgements that come at the same moment are both noted, and the end after them.
        const most = strategy.name === "message" && databases > 2 ? least + 1 : least;
        assert.ok(least <= counted && counted <= most, `${counted}, not ${least}`);
      });
  }
});

describe("what the pages say of commits", () => {
  for (const { name } of strategies) {
    it(`is what is counted for ${name}`, async () => {
      const guide = await readFile(join(repository, "docs/transactions.md"), "utf8");
      const row =
        guide.split("\n").find((line) => line.startsWith(`| [${name}](`)) ?? assert.fail("it is in the table");
      const page = await readFile(join(repository, `plugins/transaction/${name}/README.md`), "utf8");
      const [, ofPage] = /\| commits for N databases \| ([^:|]+)/.exec(page) ?? []; // not on every page
      for (const formula of [row.split("|").at(-2) ?? "", ...(ofPage === undefined ? [] : [ofPage])])
        for (const n of name === "local" ? [1] : [2, 4])
          assert.equal(evaluated(formula, n), expected(name, n), `"${formula}" for ${n} databases`);
    });
  }
});

/** The value of a formula such as `2N + 3`. */
function evaluated(formula: string, n: number): number {
  const [, times, , more] = /^\s*(?:(\d*)(N)(?: \+ )?)?(\d*)\s*$/.exec(formula) ?? assert.fail(`"${formula}"`);
  return (times === undefined ? 0 : Number(times || 1) * n) + Number(more);
}

/** Commits per transaction as the log of the server has them, those of prepared transactions among them. */
async function committed(server: BenchServer, strategy: Plugin, databases: Databases): Promise<number> {
  const times = 3;
  await using store = await server.open();
  await using at = await world({ store, strategy, databases, batching: false, form: "functions", lanes: false });
  await runs(at, times); // opens connections, admits the transaction, notes who coordinates
  const { sql } = await store.database("bank_first");
  await sql`create extension if not exists pg_walinspect`;
  const [from] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
  await runs(at, times);
  const [row] = await sql<{ commits: number }[]>`
    select count(*)::int as commits from pg_get_wal_records_info(${from?.lsn ?? ""}::pg_lsn, pg_current_wal_flush_lsn())
    where resource_manager = 'Transaction' and record_type in ('COMMIT', 'PREPARE', 'COMMIT_PREPARED')`;
  return (row?.commits ?? Number.NaN) / times;
}

/** One after the other, each until nothing is left to do. */
async function runs(at: World, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    await at.run(accountOf(n));
    await at.drained();
  }
}
