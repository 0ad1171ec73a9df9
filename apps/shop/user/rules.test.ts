import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import { checkPassword, cleanEmail, cleanName, isUserId } from "./rules.ts";

const badField = (field: string) => (error: unknown) =>
  error instanceof StatusError && error.code === "INVALID_ARGUMENT" && error.details.field === field;

describe("rules for accounts", () => {
  it("stores one spelling of an e-mail address", () =>
    assert.equal(cleanEmail("  Ada@Example.ORG "), "ada@example.org"));

  it("refuses what cannot be an e-mail address", () => {
    for (const text of [
      "",
      "ada",
      "ada@",
      "@example.org",
      "ada@example",
      "a b@example.org",
      "ada@.org",
      `${"x".repeat(250)}@a.org`,
    ]) {
      assert.throws(() => cleanEmail(text), badField("email"), text);
    }
  });

  it("folds spaces in a name and limits its length", () => {
    assert.equal(cleanName("  Ada \t Lovelace "), "Ada Lovelace");
    assert.throws(() => cleanName(" \n "), badField("name"));
    assert.throws(() => cleanName("x".repeat(81)), badField("name"));
  });

  it("refuses short and endless passwords", () => {
    checkPassword("12345678");
    assert.throws(() => checkPassword("1234567"), badField("password"));
    assert.throws(() => checkPassword("x".repeat(201)), badField("password"));
  });

  it("knows what can be an id", () => {
    assert.ok(isUserId("8f14e45f-ceea-467f-a9e6-0d1c2b3a4f5e"));
    assert.ok(!isUserId("8f14e45f-ceea-467f-a9e6-0d1c2b3a4f5e'"));
  });
});
