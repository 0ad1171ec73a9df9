import assert from "node:assert/strict";
import { after, it } from "node:test";
import type { Store } from "@mortise/kernel";
import { storeConformance } from "@mortise/kernel/spi/store.conformance";
import { onServer, postgresServer, startPlugin } from "@mortise/kernel/testing";
import { postgres } from "./postgres.ts";

await onServer("store/postgres", postgresServer, ({ url }) => {
  storeConformance({
    name: "postgres",
    make: () => ({ subject: () => startPlugin<Store>(postgres, { options: { url } }) }),
  });

  for (const prepareStatements of [true, false]) {
    it(`${prepareStatements ? "keeps" : "does not keep"} prepared statements when told so`, async () => {
      const options = { url, poolSize: 1, prefix: `p${process.pid}_`, prepareStatements };
      const { api, stop } = await startPlugin<Store>(postgres, { options });
      after(() => stop?.());
      const { sql } = await api.database("prepared");
      await sql`select ${1}::int`;
      const found = await sql.unsafe("select 1 from pg_prepared_statements");
      assert.equal(found.length, prepareStatements ? 1 : 0);
    });
  }
});
