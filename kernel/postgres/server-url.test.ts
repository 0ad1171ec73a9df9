import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseServerUrl } from "./server-url.ts";

describe("parseServerUrl", () => {
  it("reads every part", () => {
    const url = "postgresql://sh%40p:p%2F%3Aw%25@[::1]:6543/main?sslmode=verify-full&sslrootcert=/etc/ca.pem";
    assert.deepEqual(parseServerUrl(url), {
      host: "::1",
      port: 6543,
      username: "sh@p",
      password: "p/:w%",
      database: "main",
      encryption: "verify-full",
      caFile: "/etc/ca.pem",
    });
  });

  it("fills in what is left out", () => {
    assert.deepEqual(parseServerUrl("postgres://shop@db"), {
      host: "db",
      port: 5432,
      username: "shop",
      password: "",
      database: "postgres",
      encryption: "disable",
      caFile: undefined,
    });
  });

  it("gives back any user and password", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((one) => one.isWellFormed());
    fc.assert(
      fc.property(text, text, (username, password) => {
        const url = `postgres://${encodeURIComponent(username)}:${encodeURIComponent(password)}@h`;
        const { username: u, password: p } = parseServerUrl(url) as { username: string; password: string };
        assert.deepEqual([u, p], [username, password]);
      }),
    );
  });

  for (const [url, problem] of [
    ["", /must look like postgres:\/\/user:password@host:5432/],
    ["localhost:5432", /must look like/],
    ["mysql://u:p@h", /must look like/],
    ["postgres:///db", /must look like/],
    ["postgres://db:99999", /must look like/],
    ["postgres://:s3cret@h", /names no user/],
    ["postgres://u:s3cret%@h", /has a % that is not followed by two hexadecimal digits/],
    ["postgres://u:s3cret@h?sslmode=prefer", /has sslmode "prefer"; choose one of disable, require, verify-full/],
    ["postgres://u:s3cret@h?ssl=true", /has the parameter "ssl"; there are only sslmode and sslrootcert/],
  ] as const) {
    it(`refuses ${url || "nothing"} without showing the password`, () => {
      const result = parseServerUrl(url);
      assert.ok(typeof result === "string");
      assert.match(result, problem);
      assert.doesNotMatch(result, /s3cret/);
    });
  }

  it("never throws", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.webUrl()), (url) => void parseServerUrl(url)));
  });
});
