import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { codecOf } from "./codec/codec.ts";
import { layoutOf, reachable } from "./codec/layout.ts";
import { messageTypes } from "./testing/message-types.ts";
import { messageValues } from "./testing/message-values.ts";
import { reflected } from "./testing/protobufjs.ts";
import type { MessageType } from "./types.ts";

/** protobufjs takes the key "false" for true and cannot hold the key "__proto__". */
const understood = (type: MessageType): boolean =>
  reachable([type]).every((each) => layoutOf(each).fields.every(({ key }) => key !== "bool" && key !== "string"));

/** protobufjs orders map entries by its own objects and writes zero keys; it does not keep the members of a oneof together. */
const ordered = (type: MessageType): boolean =>
  reachable([type]).every((each) => layoutOf(each).properties.every(({ kind }) => kind !== "map" && kind !== "oneof"));

const cases = (fits: (type: MessageType) => boolean) =>
  messageTypes({ required: false })
    .filter(([root]) => fits(root as MessageType))
    .chain(([root]) =>
      fc.record({ type: fc.constant(root as MessageType<object>), value: messageValues(root as MessageType) }),
    );

describe("beside protobufjs", () => {
  it("messages have the same bytes, negative zero included", () => {
    fc.assert(
      fc.property(cases(ordered), ({ type, value }) => {
        assert.deepEqual(codecOf(type).encode(value), reflected(type).encode(value));
      }),
      { numRuns: 300 },
    );
  });

  it("each reads what the other wrote, maps and oneofs included", () => {
    fc.assert(
      fc.property(cases(understood), ({ type, value }) => {
        const ours = codecOf(type);
        const theirs = reflected(type);
        assert.deepEqual(ours.decode(theirs.encode(value)), value);
        assert.deepEqual(ours.decode(theirs.again(ours.encode(value))), value);
      }),
      { numRuns: 300 },
    );
  });
});
