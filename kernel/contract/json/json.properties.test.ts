import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFileRegistry, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../codec/codec.ts";
import { fileDescriptorSet } from "../proto/to-descriptors.ts";
import { type Features, messageTypes } from "../testing/message-types.ts";
import { messageValues } from "../testing/message-values.ts";
import type { MessageType } from "../types.ts";
import { jsonOf } from "./json.ts";

// JSON.stringify writes negative zero as 0.
const values = { negativeZero: false, validTimes: true };

const cases = (features: Features) =>
  messageTypes(features).chain(([root]) =>
    fc.record({ type: fc.constant(root as MessageType<object>), value: messageValues(root as MessageType, values) }),
  );

describe("the JSON of random messages", () => {
  it("gives back what it was made from, also as text and with all defaults written", () => {
    fc.assert(
      fc.property(cases({}), fc.boolean(), ({ type, value }, emitDefaults) => {
        const mapping = jsonOf(type);
        const text = JSON.stringify(mapping.toJson(value, { emitDefaults }));
        assert.deepEqual(mapping.fromJson(JSON.parse(text)), value);
      }),
      { numRuns: 300 },
    );
  });

  it("is that of protobuf-es, both ways", () => {
    fc.assert(
      fc.property(cases({ required: false, awkwardNames: false }), ({ type, value }) => {
        const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fileDescriptorSet([type])));
        const theirs = registry.getMessage(type.name) ?? assert.fail();
        const ours = jsonOf(type);
        const bytes = codecOf(type).encode(value);
        const json = ours.toJson(value);
        assert.deepEqual(json, toJson(theirs, fromBinary(theirs, bytes), { registry }));
        const read = fromJson(theirs, json as JsonValue, { registry });
        assert.deepEqual(codecOf(type).decode(toBinary(theirs, read)), value);
      }),
      { numRuns: 200 },
    );
  });

  it("takes any JSON or fails with one INVALID_ARGUMENT", () => {
    const anything = messageTypes().chain(([root]) => {
      const names = (root as MessageType).fields.map(({ name }) => name);
      const key = fc.oneof(fc.constantFrom("x", ...names), fc.string());
      const json = fc.letrec((tie) => ({
        leaf: fc.oneof(fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constant(null)),
        any: fc.oneof({ depthSize: "small" }, tie("leaf"), fc.array(tie("any")), fc.dictionary(key, tie("any"))),
      })).any;
      return fc.record({ type: fc.constant(root as MessageType<object>), json });
    });
    fc.assert(
      fc.property(anything, fc.boolean(), ({ type, json }, ignoreUnknown) => {
        try {
          const value = jsonOf(type).fromJson(json, { ignoreUnknown });
          codecOf(type).encode(value);
        } catch (error) {
          assert.ok(error instanceof StatusError, `not a StatusError: ${String(error)}`);
          assert.equal(error.code, "INVALID_ARGUMENT");
        }
      }),
      { numRuns: 500 },
    );
  });
});
