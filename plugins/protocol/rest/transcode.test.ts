import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Method } from "@mortise/kernel";
import { restRuleOf } from "@mortise/kernel/contract";
import { fuzz } from "@mortise/kernel/testing";
import fc from "fast-check";
import { Library } from "./library.fixture.ts";
import { accepts } from "./negotiate.ts";
import { json } from "./rest.fixture.ts";
import { received, target } from "./rest.fuzz.fixture.ts";
import { clashOf } from "./route.ts";
import { eventReader, type ServerSentEvent, writeEvent } from "./server-sent-events.ts";
import { writeRequest } from "./transcode.ts";

const methods: readonly Method[] = Object.values(Library.methods);
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { noNullPrototype: true });
const text = fc.string({ unit: "binary", maxLength: 8 }).map((one) => one.toWellFormed());
const inPath = text.filter((one) => !["", ".", ".."].includes(one));
const author = record({ name: inPath, country: text });
const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  "test.library.v1.BookId": record({ id: inPath }),
  "test.library.v1.Book": record({
    id: inPath,
    title: text,
    pages: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    isbn: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    genre: fc.nat(3),
    author,
    tags: fc.array(text, { maxLength: 3 }),
    labels: fc.array(fc.tuple(text, text), { maxLength: 3 }).map((entries) => new Map(entries)),
  }),
  "test.library.v1.FindBooks": record({
    shelf: inPath,
    limit: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    above: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    genre: fc.nat(3),
    tags: fc.array(text, { maxLength: 3 }),
    author,
    lent: fc.option(fc.boolean(), { nil: undefined }),
    since: fc.option(
      fc.nat().map((seconds) => ({ seconds: BigInt(seconds), nanos: 5_000_000 })),
      { nil: undefined },
    ),
    rating: fc.double().map((one) => one + 0), // JSON has no -0
    cover: fc.uint8Array({ maxLength: 8 }),
  }),
  "google.protobuf.Empty": fc.constant({}),
};

describe("a request", () => {
  for (const method of methods) {
    it(`of ${method.name} comes out of path, query and body as it went in`, () => {
      const rule = restRuleOf(method);
      const codec = json.codec(method.input);
      fc.assert(
        fc.property(values[method.input.name] ?? fc.constant({}), (request) => {
          const { path, body = new Uint8Array() } = writeRequest({ rule, input: method.input, codec }, request);
          assert.match(path, /^[\x21-\x7e]+$/);
          const got = received(rule.verb, path, body);
          if (method.name === "get" && path === "/books/newest") return;
          assert.equal(got?.method, method);
          assert.deepEqual(got?.request, request);
        }),
      );
    });
  }
});

describe("the decoder of requests", () => {
  it("refuses or reads, never worse, what 50,000 peers send", async () => {
    const { taken, peakBytes } = await fuzz(target, { runs: 50_000 });
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    assert.ok(taken > 1000, `${taken} were read`);
    assert.ok(peakBytes < 256 * 1024 * 1024, `${peakBytes} bytes were kept`);
  });

  it("keeps away from prototypes", () => {
    assert.throws(() => received("GET", "/shelves/x/books?__proto__=1", new Uint8Array()), {
      code: "INVALID_ARGUMENT",
    });
    assert.throws(() => received("GET", "/shelves/x/books?__proto__.polluted=1", new Uint8Array()), {
      code: "INVALID_ARGUMENT",
    });
    assert.throws(() => received("PUT", "/books/7", Buffer.from('{"__proto__":{"polluted":1}}')), {
      code: "INVALID_ARGUMENT",
    });
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
});

describe("methods of several services", () => {
  it("that want the same path are told by name", () => {
    const other = { ...Library.methods.get, path: "test.library.v2.Library/Get" };
    assert.equal(
      clashOf([...methods, other]),
      "test.library.v1.Library/Get and test.library.v2.Library/Get are both GET /books/{}; change one path in its contract",
    );
    assert.equal(clashOf(methods), undefined);
  });
});

describe("accept", () => {
  for (const [header, taken] of [
    [undefined, true],
    ["", true],
    ["*/*", true],
    ["text/html, application/*;q=0.1", true],
    ["application/json;q=0, */*", false],
    ["text/html", false],
    ["APPLICATION/JSON; charset=utf-8", true],
    [";;;,q=", false],
  ] as const) {
    it(`${header} ${taken ? "takes" : "rules out"} JSON`, () =>
      assert.equal(accepts(header, "application/json"), taken));
  }
});

describe("a stream of events", () => {
  it("is read as it was written, however it is cut", () => {
    const event = record({
      event: fc.constantFrom("", "end", "problem"),
      data: fc.string({ unit: "grapheme", minLength: 1 }).map((one) => JSON.stringify(one)),
    });
    fc.assert(
      fc.property(fc.array(event), fc.integer({ min: 1, max: 20 }), (events, size) => {
        const bytes = Buffer.concat(events.map(({ event, data }) => writeEvent(data, event || undefined)));
        const read = eventReader(1_000_000);
        const seen: ServerSentEvent[] = [];
        for (let at = 0; at < bytes.length; at += size) seen.push(...read(bytes.subarray(at, at + size)));
        assert.deepEqual(seen, events);
      }),
    );
  });

  it("may have comments, other fields, and lines ended as on Windows", () => {
    const read = eventReader(1000);
    const text = ": hello\r\nid: 7\r\nevent: end\r\ndata: {\r\ndata: }\r\n\r\nretry: 5\r\n\r\n";
    assert.deepEqual(read(Buffer.from(text)), [{ event: "end", data: "{\n}" }]);
  });

  it("is refused when an event grows beyond the limit", () => {
    const read = eventReader(1000);
    assert.throws(() => read(Buffer.from(`data: ${"x".repeat(6000)}`)), { code: "RESOURCE_EXHAUSTED" });
  });
});
