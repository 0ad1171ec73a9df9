import assert from "node:assert/strict";
import { it } from "node:test";
import { told } from "./wire.ts";

it("reads the count and the number of a delivery from both forms of its subject", () => {
  const read = { count: 3, sequence: 17, name: "17@1795263315417268658" };
  assert.deepEqual(told("$JS.ACK.m-a.g-0.3.17.5.1795263315417268658.2"), read);
  assert.deepEqual(told("$JS.ACK._.hash.m-a.g-0.3.17.5.1795263315417268658.2.rand"), read);
});
