import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext } from "@mortise/kernel";
import { routerConformance } from "@mortise/kernel/spi/router.conformance";
import { sampleCall, sampleInstance, sampleSite } from "@mortise/kernel/testing";
import { tag, tagRouter } from "./tag.ts";

const plain = sampleInstance("plain");
const gray = sampleInstance("gray", { tags: { tag: "gray" } });
const all = Object.freeze([plain, gray]);

routerConformance({
  name: "tag",
  make: () => ({
    subject: { router: tagRouter, fields: {}, candidates: all, contexts: [{}, { baggage: { tag: "gray" } }] },
  }),
});

describe("router/tag", () => {
  const kept = (fields: Record<string, unknown>, requestTag = "", candidates = all) => {
    const route = tagRouter.route(sampleSite({ policy: { fields } }));
    const context = callContext(requestTag === "" ? {} : { baggage: { tag: requestTag } });
    return route?.(candidates, sampleCall(context)).map(({ id }) => id);
  };

  it("keeps calls without a tag off tagged instances, even when no other is left", () => {
    assert.deepEqual(kept({}), ["plain"]);
    assert.deepEqual(kept({}, "", [gray]), []);
  });

  it("sends tagged calls to instances with that tag, by request before policy", () => {
    assert.deepEqual(kept({}, "gray"), ["gray"]);
    assert.deepEqual(kept({ tag: "gray" }), ["gray"]);
    assert.deepEqual(kept({ tag: "gray" }, "blue"), ["plain"]);
  });

  it("falls back to instances without a tag unless that is forbidden", () => {
    assert.deepEqual(kept({}, "blue"), ["plain"]);
    assert.deepEqual(kept({ tagForce: true }, "blue"), []);
  });

  it("goes by the addresses of the rule before the tags of instances", () => {
    const tagAddresses = { gray: [plain.address], gone: ["127.0.0.1:gone"] };
    assert.deepEqual(kept({ tagAddresses }, "gray"), ["plain"]);
    assert.deepEqual(kept({ tagAddresses }, "gone"), []);
    assert.deepEqual(kept({ tagAddresses }, "constructor"), []);
  });

  it("is the plugin router/tag", () => assert.equal(tag.id, "router/tag"));
});
