import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import fc from "fast-check";
import { cut, pageSize, pageStart, pageToken } from "./paging.ts";

const badToken = (error: unknown) => error instanceof StatusError && error.reason === "BAD_PAGE_TOKEN";

describe("paging", () => {
  it("reads back any token it gave", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), (at) => {
        assert.deepEqual(pageStart(pageToken(at), at.length), at);
      }),
    );
  });

  it("refuses any other text as a token", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        assert.throws(() => pageStart(text, 2), badToken);
      }),
    );
    assert.throws(() => pageStart(pageToken(["one"]), 2), badToken);
    assert.throws(() => pageStart(Buffer.from("[1,2]").toString("base64url"), 2), badToken);
  });

  it("takes an empty token for the first page", () => assert.equal(pageStart("", 2), undefined));

  it("limits the size of a page", () => {
    assert.equal(pageSize(0, 20), 20);
    assert.equal(pageSize(7, 20), 7);
    assert.equal(pageSize(1000, 20), 100);
    assert.throws(() => pageSize(-1, 20), StatusError);
  });

  it("tells whether more follows", () => {
    assert.deepEqual(cut([1, 2, 3], 2), { rows: [1, 2], more: true });
    assert.deepEqual(cut([1, 2], 2), { rows: [1, 2], more: false });
  });
});
