import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { openLibrary, type Running } from "./library.fixture.ts";

const run = promisify(execFile);
const missing = await run("curl", ["--version"]).then(
  () => false,
  () => "curl is not installed",
);

/** Runs curl; gives status, headers and body. */
async function curl(...args: string[]) {
  const { stdout } = await run("curl", ["-sS", "-i", "--max-time", "60", ...args]);
  const at = stdout.indexOf("\r\n\r\n");
  const head = stdout.slice(0, at).split("\r\n");
  return {
    version: head[0]?.split(" ")[0] ?? "",
    status: Number(head[0]?.split(" ")[1]),
    headers: new Map(
      head.slice(1).map((line) => [line.split(":")[0]?.toLowerCase(), line.slice(line.indexOf(":") + 2)]),
    ),
    text: stdout.slice(at + 4),
    get json() {
      return JSON.parse(this.text);
    },
  };
}

describe("protocol/rest, used by curl,", { skip: missing }, () => {
  let library: Running;
  before(async () => {
    library = await openLibrary();
  });
  after(() => library.stop());
  const at = (path: string) => library.url + path;

  for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
    it(`answers over ${version}`, async () => {
      const got = await curl(version, at("/books/7"));
      assert.equal(got.version, version === "--http1.1" ? "HTTP/1.1" : "HTTP/2");
      assert.deepEqual([got.status, got.headers.get("content-type")], [200, "application/json"]);
      assert.deepEqual(got.json, { id: "7", title: "Title of 7" });
    });

    it(`streams events over ${version}`, async () => {
      const got = await curl(version, "-N", at("/books/7/events"));
      assert.deepEqual([got.status, got.headers.get("content-type")], [200, "text/event-stream"]);
      assert.deepEqual(got.text.split("\n\n").filter(Boolean), [
        'data: {"id":"7","pages":1}',
        'data: {"id":"7","pages":2}',
        'data: {"id":"7","pages":3}',
        'event: end\ndata: {"trailers":{}}',
      ]);
      const torn = await curl(version, "-N", at("/books/torn/events"));
      const last = torn.text.split("\n\n").filter(Boolean).at(-1) ?? "";
      assert.match(last, /^event: problem\ndata: \{.*"code":"DATA_LOSS","reason":"TORN"/);
    });

    it(`tells what is wrong over ${version}`, async () => {
      const got = await curl(version, at("/books/none"));
      assert.equal(got.headers.get("content-type"), "application/problem+json");
      assert.deepEqual(got.json, {
        type: "about:blank",
        title: "Not Found",
        status: 404,
        detail: "there is no such book",
        code: "NOT_FOUND",
        reason: "NO_BOOK",
        details: { id: "none" },
      });
    });
  }

  it("takes bodies", async () => {
    const content = ["-H", "content-type: application/json"];
    const added = await curl(...content, "-d", '{"title": "Emil", "isbn": "9783791530123"}', at("/books"));
    assert.deepEqual(added.json, { title: "Emil", isbn: "9783791530123" });
    const changed = await curl("-X", "PUT", ...content, "-d", '{"title": "Emil"}', at("/books/a%2Fb"));
    assert.deepEqual(changed.json, { id: "a/b", title: "Emil" });
    assert.deepEqual((await curl("-X", "DELETE", at("/books/7"))).json, {});
    assert.deepEqual((await curl("-X", "POST", at("/books/7:lend"))).json, { id: "7", title: "lent" });
  });

  it("reads the query", async () => {
    const query =
      "limit=5&above=9007199254740993&genre=GENRE_CRIME&tags=a&tags=b%20c&author.name=K+S&lent=true&since=2026-01-31T12:00:00Z&rating=0.5&cover=AQI%3D";
    const got = await curl(at(`/shelves/x/books?${query}`));
    assert.deepEqual(got.json, {
      shelf: "x",
      limit: 5,
      above: "9007199254740993",
      genre: "GENRE_CRIME",
      tags: ["a", "b c"],
      author: { name: "K S" },
      lent: true,
      since: "2026-01-31T12:00:00Z",
      rating: 0.5,
      cover: "AQI=",
    });
  });

  it("describes itself", async () => {
    const got = await curl(at("/openapi.json"));
    assert.equal(got.status, 200);
    assert.equal(got.json.openapi, "3.1.0");
    assert.ok(got.json.paths["/books/{id}"].get);
  });
});
