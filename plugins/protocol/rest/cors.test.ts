import assert from "node:assert/strict";
import { connect } from "node:http2";
import { describe, it } from "node:test";
import { openLibrary } from "./library.fixture.ts";
import { restOptions } from "./options.ts";

const page = "https://shop.example";

/** Answers to requests of a listener with these options. */
async function library(cors: object | undefined) {
  const running = await openLibrary({ ...(cors && { cors }) });
  const send = async (method: string, path: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(running.url + path, { method, headers });
    await response.arrayBuffer();
    return { status: response.status, header: (name: string) => response.headers.get(name) };
  };
  return { url: running.url, send, [Symbol.asyncDispose]: () => running.stop() };
}

const asking = {
  origin: page,
  "access-control-request-method": "PUT",
  "access-control-request-headers": "x-a, tenant",
};

describe("protocol/rest, asked by pages of other origins,", () => {
  it("says nothing to browsers unless it is told to", async () => {
    await using plain = await library(undefined);
    for (const [method, headers] of [
      ["GET", { origin: page }],
      ["OPTIONS", asking],
    ] as const) {
      const { header } = await plain.send(method, "/books/7", headers);
      assert.deepEqual([header("access-control-allow-origin"), header("vary")], [null, null]);
    }
  });

  it("lets pages of its origins read answers and errors, and no others", async () => {
    await using named = await library({ origins: [page] });
    const good = await named.send("GET", "/books/7", { origin: page });
    assert.deepEqual(
      [good.status, good.header("access-control-allow-origin"), good.header("vary")],
      [200, page, "origin"],
    );
    assert.equal(good.header("access-control-expose-headers"), "*");
    assert.equal(good.header("access-control-allow-credentials"), null);
    const missing = await named.send("GET", "/nothing", { origin: page });
    assert.deepEqual([missing.status, missing.header("access-control-allow-origin")], [404, page]);
    for (const origin of ["https://other.example", "http://shop.example", "https://shop.example:8443", "null"]) {
      const { status, header } = await named.send("GET", "/books/7", { origin });
      assert.deepEqual([status, header("access-control-allow-origin"), header("vary")], [200, null, "origin"], origin);
    }
  });

  it("tells what a page may send to a path before it does", async () => {
    await using named = await library({ origins: [page], credentials: true, maxAgeMs: 5500 });
    const { status, header } = await named.send("OPTIONS", "/books/7?x=1", asking);
    assert.equal(status, 204);
    assert.deepEqual(
      ["origin", "credentials", "methods", "headers"].map((name) => header(`access-control-allow-${name}`)),
      [page, "true", "GET, PUT, DELETE, HEAD, OPTIONS", "x-a, tenant"],
    );
    assert.equal(header("access-control-max-age"), "5");
    const description = await named.send("OPTIONS", "/openapi.json", asking);
    assert.equal(description.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
  });

  it("lets every page call where all may", async () => {
    await using open = await library({ origins: ["*"] });
    const { header } = await open.send("GET", "/books/7", { origin: "https://any.example" });
    assert.deepEqual([header("access-control-allow-origin"), header("vary")], ["*", null]);
  });

  it("says the same over HTTP/2", async () => {
    await using named = await library({ origins: [page] });
    const session = connect(named.url);
    const request = session.request({ ":path": "/books/7", origin: page });
    const headers = await new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
      request.on("response", resolve);
      request.on("error", reject);
    });
    request.resume();
    session.close();
    assert.deepEqual([headers[":status"], headers["access-control-allow-origin"]], [200, page]);
  });

  it("refuses options that mean nothing, or too much", () => {
    const problems = (cors: object) => restOptions.safeParse({ cors }).error?.issues.map(({ message }) => message);
    assert.match(
      `${problems({ origins: ["https://a.example/"] })}`,
      /must be like https:\/\/shop\.example, without a path/,
    );
    assert.match(`${problems({ origins: ["*"], credentials: true })}`, /credentials are for origins that are named/);
    assert.equal(problems({ origins: ["http://localhost:5173", page] }), undefined);
  });
});
