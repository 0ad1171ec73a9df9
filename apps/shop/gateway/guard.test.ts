import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHere } from "./guard.ts";

const here = "shop.test:8080";

describe("the guard against other sites", () => {
  it("believes what the browser says of the site", () => {
    assert.ok(fromHere(new Headers({ "sec-fetch-site": "same-origin" }), here));
    assert.ok(fromHere(new Headers({ "sec-fetch-site": "none" }), here));
    assert.ok(!fromHere(new Headers({ "sec-fetch-site": "same-site" }), here));
    assert.ok(!fromHere(new Headers({ "sec-fetch-site": "cross-site", origin: `http://${here}` }), here));
  });

  it("compares the origin where the browser says nothing of the site", () => {
    assert.ok(fromHere(new Headers({ origin: `http://${here}` }), here));
    assert.ok(!fromHere(new Headers({ origin: "http://evil.test" }), here));
    assert.ok(!fromHere(new Headers({ origin: "null" }), here));
  });

  it("lets in programs, which send neither", () => assert.ok(fromHere(new Headers(), here)));
});
