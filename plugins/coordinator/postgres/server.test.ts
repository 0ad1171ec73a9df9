import assert from "node:assert/strict";
import { it } from "node:test";
import type { Coordinator, Store } from "@mortise/kernel";
import { sampleTransaction } from "@mortise/kernel/spi/coordinator.conformance";
import { onServer, postgresServer, startPlugin } from "@mortise/kernel/testing";
import { postgres } from "./postgres.ts";
import { openOn } from "./processes.fixture.ts";

await onServer(
  "coordinator/postgres on a server of its own",
  () => postgresServer({ ours: true }),
  (server) => {
    const store: Store = { database: async () => assert.fail("the store is not asked") };
    const opened = (prefix: string, url = server.url) =>
      startPlugin<Coordinator>(postgres, { deps: { store }, options: { server: { url, prefix, poolSize: 2 } } });

    it("is shared by processes whose stores are elsewhere, and lets go of its connections", async () => {
      const [one, two] = [await opened("team_"), await opened("team_")];
      const sample = sampleTransaction();
      await one.api.begin(sample, "me", 60_000);
      assert.equal((await two.api.get(sample.gid))?.status, "active");
      assert.equal(two.api.identity, one.api.identity);
      await Promise.all([one.stop?.(), two.stop?.()]);
      await assert.rejects(one.api.get(sample.gid));
    });

    it("is told from one in another database, and known again after a restart", async () => {
      const first = await opened("a_");
      const other = await opened("b_");
      assert.notEqual(first.api.identity, other.api.identity);
      await first.stop?.();
      const again = await opened("a_");
      assert.equal(again.api.identity, first.api.identity);
      await Promise.all([other.stop?.(), again.stop?.()]);
    });

    it("gives tables of an older version their identity, once when many processes start", async () => {
      const database = await server.database();
      const before = await openOn(database);
      await before.sql`drop table mortise_transaction_identity`;
      const all = await Promise.all(Array.from({ length: 5 }, () => openOn(database)));
      assert.equal(new Set(all.map(({ api }) => api.identity)).size, 1);
      for (const { stop } of [before, ...all]) await stop();
      await database.drop();
    });

    it("refuses what is no address of a server", () =>
      assert.rejects(opened("", "mysql://x"), /server\.url: must look like postgres:\/\//));
  },
);
