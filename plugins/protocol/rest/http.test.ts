import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { callContext, metadata } from "@mortise/kernel";
import { addMetadata, HttpMetadata } from "@mortise/kernel/spi/http-metadata";
import { callers, failure } from "@mortise/kernel/spi/protocol-laws/world";
import { eventually, keptLog } from "@mortise/kernel/testing";
import { book, Library, openLibrary, type Running } from "./library.fixture.ts";
import { json } from "./rest.fixture.ts";

let library: Running;
before(async () => {
  library = await openLibrary({ maxMessageBytes: 10_000 });
});
after(() => library.stop());

const content = { "content-type": "application/json" };

async function send(method: string, path: string, init: RequestInit = {}) {
  const response = await fetch(library.url + path, { method, ...init });
  const text = await response.text();
  const problem = text.startsWith("{") ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, problem };
}

/** Opens a bare connection, writes, and gives what comes back until it closes. */
function raw(bytes: string | Uint8Array): Promise<string> {
  const { port, hostname } = new URL(library.url);
  return new Promise((resolve, reject) => {
    let seen = "";
    const socket: Socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on("data", (chunk) => (seen += chunk.toString("latin1")));
    socket.on("close", () => resolve(seen));
    socket.on("error", reject);
    socket.setTimeout(60_000, () => socket.destroy(new Error("it stays open")));
  });
}

describe("protocol/rest refuses", () => {
  for (const [what, method, path, init, status, reason, detail] of [
    ["a path nobody offers", "GET", "/nothing", {}, 404, "NO_SUCH_PATH", /nothing at \/nothing/],
    [
      "the default path of a method with one of its own",
      "POST",
      "/test.library.v1.Library/Get",
      {},
      404,
      "NO_SUCH_PATH",
      /./,
    ],
    [
      "a verb the path does not take",
      "POST",
      "/books/7",
      { body: "{}", headers: content },
      405,
      "METHOD_NOT_ALLOWED",
      /takes GET, PUT, DELETE, HEAD, OPTIONS, not POST/,
    ],
    [
      "a caller that wants something else",
      "GET",
      "/books/7",
      { headers: { accept: "text/html" } },
      406,
      "NOT_ACCEPTABLE",
      /answers with application\/json/,
    ],
    [
      "a caller that wants no events",
      "GET",
      "/books/7/events",
      { headers: { accept: "application/json" } },
      406,
      "NOT_ACCEPTABLE",
      /text\/event-stream/,
    ],
    [
      "a form",
      "POST",
      "/books",
      { body: new URLSearchParams("a=b") },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
      /application\/json/,
    ],
    [
      "another charset",
      "POST",
      "/books",
      { body: "{}", headers: { "content-type": "application/json; charset=latin1" } },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
      /UTF-8/,
    ],
    [
      "a compressed body",
      "POST",
      "/books",
      { body: "{}", headers: { ...content, "content-encoding": "gzip" } },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
      /gzip/,
    ],
    [
      "a body that is too long",
      "POST",
      "/books",
      { body: `{"title":"${"x".repeat(10_000)}"}`, headers: content },
      413,
      "BODY_TOO_LARGE",
      /10000 bytes/,
    ],
    [
      "a body that is no JSON",
      "PUT",
      "/books/7",
      { body: "{", headers: content },
      400,
      "MALFORMED_REQUEST",
      /not JSON/,
    ],
    [
      "a body that is no object",
      "PUT",
      "/books/7",
      { body: "[]", headers: content },
      400,
      "MALFORMED_REQUEST",
      /no object/,
    ],
    [
      "a body with what is in the path",
      "PUT",
      "/books/7",
      { body: '{"id":"8"}', headers: content },
      400,
      "MALFORMED_REQUEST",
      /id is in the path/,
    ],
    [
      "a body where there is none",
      "DELETE",
      "/books/7",
      { body: "{}", headers: content },
      400,
      "MALFORMED_REQUEST",
      /DELETE has no body/,
    ],
    [
      "a query where there is none",
      "POST",
      "/books?title=a",
      { body: "{}", headers: content },
      400,
      "MALFORMED_REQUEST",
      /there is no query/,
    ],
    [
      "an unknown field in the query",
      "GET",
      "/shelves/x/books?limt=5",
      {},
      400,
      "MALFORMED_REQUEST",
      /Did you mean limit\?/,
    ],
    ["a field twice", "GET", "/shelves/x/books?limit=5&limit=6", {}, 400, "MALFORMED_REQUEST", /limit is given twice/],
    [
      "a field of the path in the query",
      "GET",
      "/shelves/x/books?shelf=y",
      {},
      400,
      "MALFORMED_REQUEST",
      /shelf is in the path/,
    ],
    ["a message in the query", "GET", "/shelves/x/books?author=y", {}, 400, "MALFORMED_REQUEST", /name its fields/],
    [
      "a path in the query that leads nowhere",
      "GET",
      "/shelves/x/books?limit.a=y",
      {},
      400,
      "MALFORMED_REQUEST",
      /limit has no fields/,
    ],
    [
      "a number that is none",
      "GET",
      "/shelves/x/books?limit=five",
      {},
      400,
      "INVALID_MESSAGE",
      /limit: expected .*got "five"/,
    ],
    [
      "a truth that is none",
      "GET",
      "/shelves/x/books?lent=maybe",
      {},
      400,
      "INVALID_MESSAGE",
      /lent: expected .*got "maybe"/,
    ],
    [
      "a name that is no value",
      "GET",
      "/shelves/x/books?genre=POETRY",
      {},
      400,
      "INVALID_MESSAGE",
      /no value "POETRY"/,
    ],
    [
      "a time that is none",
      "GET",
      "/shelves/x/books?since=yesterday",
      {},
      400,
      "INVALID_MESSAGE",
      /since: expected a time/,
    ],
    [
      "a query that is not written well",
      "GET",
      "/shelves/x/books?tags=%ZZ",
      {},
      400,
      "MALFORMED_REQUEST",
      /not written well at "%ZZ"/,
    ],
    ["a path that is not written well", "GET", "/books/%ZZ", {}, 400, "MALFORMED_PATH", /not written well/],
    ["anything but reading its description", "DELETE", "/openapi.json", {}, 405, "METHOD_NOT_ALLOWED", /GET, HEAD/],
  ] as const) {
    it(`${what} with ${status}`, async () => {
      const got = await send(method, path, init as RequestInit);
      assert.equal(got.status, status, got.text);
      assert.equal(got.headers.get("content-type"), "application/problem+json");
      assert.deepEqual([got.problem.status, got.problem.reason], [status, reason]);
      assert.match(got.problem.detail, detail);
    });
  }
});

describe("protocol/rest", () => {
  it("says which verbs a path takes", async () => {
    assert.equal(
      (await send("POST", "/books/7", { body: "{}", headers: content })).headers.get("allow"),
      "GET, PUT, DELETE, HEAD, OPTIONS",
    );
    const options = await send("OPTIONS", "/books/7");
    assert.deepEqual([options.status, options.headers.get("allow")], [204, "GET, PUT, DELETE, HEAD, OPTIONS"]);
    assert.match(await raw("OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), /^HTTP\/1.1 204/);
  });

  it("answers HEAD as GET, without the body", async () => {
    const [get, head] = [await send("GET", "/books/7"), await send("HEAD", "/books/7")];
    assert.deepEqual([head.status, head.text], [200, ""]);
    assert.equal(head.headers.get("content-length"), get.headers.get("content-length"));
    assert.equal((await send("HEAD", "/books/7/events")).status, 405);
    assert.equal((await send("HEAD", "/openapi.json")).status, 200);
  });

  it("prefers the literal path to the one with a field", async () => {
    assert.equal((await send("GET", "/books/newest")).problem.id, "newest of all");
    assert.equal((await send("GET", "/books/%6Eewest")).problem.id, "newest");
  });

  it("serves a method without a declaration at its own path, and takes no body for an empty request", async () => {
    const path = "/test.library.v1.Library/Plain";
    assert.equal((await send("POST", path, { body: '{"limit":3}', headers: content })).problem.limit, 3);
    assert.deepEqual((await send("POST", path)).problem, {});
  });

  it("takes part of a message as the body", async () => {
    const { problem } = await send("PATCH", "/shelves/x/tags?limit=1", { body: '["a","b"]', headers: content });
    assert.deepEqual(problem, { shelf: "x", limit: 1, tags: ["a", "b"] });
    const body = '{"author":{"country":"DE"},"title":"t"}';
    const credited = await send("PATCH", "/books/7/author/K", { body, headers: content });
    assert.deepEqual(credited.problem, { id: "7", title: "t", author: { country: "DE", name: "K" } });
  });

  it("is called by its own client by the same paths", async () => {
    const { invoke } = callers(library.connection, json);
    const { methods } = Library;
    const answer = async (method: Parameters<typeof invoke>[0], request: unknown) =>
      (await invoke(method, request)).response;
    assert.deepEqual(
      await answer(methods.get, { id: "a/b ü?#%" }),
      book({ id: "a/b ü?#%", title: "Title of a/b ü?#%" }),
    );
    const find = {
      ...{
        shelf: "x",
        limit: -5,
        above: 2n ** 60n,
        genre: 2,
        tags: ["a&b", "", "c=d"],
        author: { name: "ä", country: "" },
      },
      ...{ lent: false, since: { seconds: 5n, nanos: 0 }, rating: Number.NaN, cover: Uint8Array.of(255, 254) },
    };
    for (const method of [methods.find, methods.tag, methods.plain]) assert.deepEqual(await answer(method, find), find);
    const whole = book({ id: "7", title: "t", author: { name: "a", country: "c" }, labels: new Map([["k", "v"]]) });
    for (const method of [methods.add, methods.change, methods.credit])
      assert.deepEqual(await answer(method, whole), whole);
    assert.equal(((await answer(methods.lend, { id: "x:y" })) as { id: string }).id, "x:y");
    const empty = await failure(invoke(methods.get, { id: "" }), "INVALID_ARGUMENT");
    assert.match(empty.message, /id is "", which cannot stand in a path/);
  });

  it("carries cookies one by one, which HTTP does not join", () => {
    const sent: Record<string, unknown> = {};
    addMetadata(sent as never, metadata({ "set-cookie": ["a=1; path=/", "b=2, c"], "x-a": ["1", "2"] }));
    assert.deepEqual(sent, { "set-cookie": ["a=1; path=/", "b=2, c"], "x-a": "1, 2", "mortise-shapes": "x-a=1.1" });
    const received = new HttpMetadata(sent as never);
    assert.deepEqual(received.getAll("set-cookie"), ["a=1; path=/", "b=2, c"]);
    assert.deepEqual(received.getAll("x-a"), ["1", "2"]);
  });

  it("keeps a process alive that waits for an answer, and no longer", async () => {
    const file = join(import.meta.dirname, "asking.fixture.ts");
    const args = ["--conditions=source", file, new URL(library.url).host];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
    assert.equal(stdout, "Title of 7\n");
  });

  it("tells a handler's deadline and headers as any protocol does", async () => {
    const got = await send("GET", "/books/7", { headers: { "grpc-timeout": "0n" } });
    assert.deepEqual([got.status, got.problem.code], [504, "DEADLINE_EXCEEDED"]);
    const { invoke } = callers(library.connection, json);
    const context = callContext({ metadata: { connection: "close" } });
    await failure(invoke(Library.methods.get, { id: "7" }, context), "INVALID_ARGUMENT");
  });
});

describe("protocol/rest and peers that break the rules", () => {
  it("cost them their connection, and nobody else's", async () => {
    for (const bytes of [
      "nonsense\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      `GET /${"a".repeat(70_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
      "POST /books HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n",
    ])
      assert.match(await raw(bytes), /^HTTP\/1.1 4\d\d /, bytes.slice(0, 30));
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    await raw(Buffer.concat([Buffer.from(preface), Buffer.alloc(200, 255)]));
    await raw("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert.equal((await send("GET", "/books/7")).status, 200);
  });

  it("may send their first bytes one by one", async () => {
    const { port, hostname } = new URL(library.url);
    const socket = connect(Number(port), hostname);
    let seen = "";
    socket.on("data", (chunk) => (seen += chunk.toString()));
    for (const byte of "POST /books/7:lend HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n") {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => seen.includes("lent"));
    socket.destroy();
  });

  it("may keep an HTTP/1.1 connection for many requests, and mix nothing up", async () => {
    const requests = Array.from({ length: 20 }, (_, i) => `GET /books/${i} HTTP/1.1\r\nhost: a\r\n\r\n`);
    const last = "GET /books/end HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    const seen = await raw(requests.join("") + last);
    const ids = [...seen.matchAll(/"id":"(\w+)"/g)].map(([, id]) => id);
    assert.deepEqual(ids, [...requests.map((_, i) => `${i}`), "end"]);
  });

  it("may send more than is taken over HTTP/2, and go on with the same connection", async () => {
    const session = connectHttp2(library.url);
    const ask = (path: string, body?: Uint8Array) =>
      new Promise<unknown>((resolve, reject) => {
        const head = { ":method": body ? "POST" : "GET", ":path": path, "content-type": "application/json" };
        const stream = session.request(head, { endStream: !body });
        stream.on("response", (headers) => resolve(headers[":status"]));
        stream.on("error", reject);
        stream.resume();
        if (body) stream.write(body);
      });
    for (let i = 0; i < 20; i++) assert.equal(await ask("/books", new Uint8Array(20_000)), 413);
    assert.equal(await ask("/books/7"), 200);
    session.destroy();
  });

  it("may leave in the middle of a body or a stream", async () => {
    const session = connectHttp2(library.url);
    const upload = session.request({ ":method": "POST", ":path": "/books", "content-type": "application/json" });
    upload.on("error", () => undefined);
    upload.write("{");
    upload.close(8);
    session.destroy();
    assert.equal((await send("GET", "/books/7")).status, 200);
  });

  it("get no answer from a handler's stack trace", async () => {
    const log = keptLog();
    const other = await openLibrary({}, log);
    const response = await fetch(`${other.url}/books/7`, { headers: { accept: ";;;,q=" } });
    assert.equal(response.status, 406);
    await other.stop();
    assert.deepEqual(
      log.lines.filter(({ level }) => level === "error"),
      [],
    );
  });
});
