import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { explain, mayComeUp } from "./explain.ts";
import { StoreError, storeErrors } from "./store-error.ts";

const target = { host: "db", port: 5432, database: "order", username: "shop" };

describe("explain", () => {
  for (const [code, storeCode, words] of [
    [
      "ECONNREFUSED",
      "STORE_UNREACHABLE",
      /PostgreSQL at db:5432 cannot be reached \(ECONNREFUSED\)\. Start the server/,
    ],
    ["ENOTFOUND", "STORE_UNREACHABLE", /db:5432/],
    ["CONNECT_TIMEOUT", "STORE_UNREACHABLE", /db:5432/],
    ["57P03", "STORE_UNREACHABLE", /db:5432/],
    ["28P01", "STORE_UNAUTHORIZED", /does not let user "shop" in/],
    ["3D000", "STORE_DATABASE_MISSING", /There is no database "order" on db:5432/],
    ["42501", "STORE_CREATE_REFUSED", /User "shop" may not create database "order"/],
    ["53300", "STORE_FULL", /has no connection left/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "STORE_TLS_REFUSED", /certificate of PostgreSQL at db:5432 is not believed/],
    ["TLS_NOT_OFFERED", "STORE_TLS_REFUSED", /PostgreSQL at db:5432 does not offer TLS/],
    ["TLS_TAMPERED", "STORE_TLS_REFUSED", /No TLS came about with PostgreSQL at db:5432 \(TLS_TAMPERED\)/],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "STORE_TLS_REFUSED", /No TLS came about with PostgreSQL at db:5432/],
  ] as const) {
    it(`puts ${code} into words`, () => {
      const cause = Object.assign(new Error("x"), { code });
      const error = explain(cause, target);
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, storeCode);
      assert.match(error.message, words);
      assert.equal(error.cause, cause);
    });
  }

  it("leaves other errors as they are", () => {
    const error = Object.assign(new Error("syntax"), { code: "42601" });
    assert.equal(explain(error, target), error);
    assert.equal(explain("text", target), "text");
  });

  it("waits only for what may come up", () => {
    assert.deepEqual(
      ["ECONNREFUSED", "57P03", "28P01", "3D000", ""].map((code) => mayComeUp({ code })),
      [true, true, false, false, false],
    );
  });
});

it("docs/spi/store.md lists every code of a store with its advice", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/spi/store.md"), "utf8");
  const listed = [...page.matchAll(/^\| `(STORE_\w+)` \| (.*) \|$/gm)].map(([, code, advice]) => [
    code,
    advice?.trim(),
  ]);
  assert.deepEqual(listed, Object.entries(storeErrors));
});
