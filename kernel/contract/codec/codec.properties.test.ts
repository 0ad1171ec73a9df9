import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StatusError } from "../../call/status.ts";
import { jsonOf } from "../json/json.ts";
import { redact } from "../json/redact.ts";
import { messageTypes } from "../testing/message-types.ts";
import { messageValues } from "../testing/message-values.ts";
import type { Codec, MessageType } from "../types.ts";
import { codecOf, interpretedCodec } from "./codec.ts";
import { byteSink } from "./sink.ts";

const typeAndValue = messageTypes().chain(([type]) =>
  fc.record({ type: fc.constant(type as MessageType<object>), value: messageValues(type as MessageType) }),
);

/** What came of decoding: the value, or the one error it may end with. */
function outcome(codec: Codec<object>, bytes: Uint8Array): unknown {
  try {
    return { value: codec.decode(bytes) };
  } catch (error) {
    assert.ok(error instanceof StatusError, `not a StatusError: ${String(error)}`);
    assert.equal(error.code, "INVALID_ARGUMENT");
    return { error: error.message };
  }
}

describe("codecs of random messages", () => {
  it("give back what they were given, compiled and interpreting, in the same bytes", () => {
    fc.assert(
      fc.property(typeAndValue, ({ type, value }) => {
        const compiled = codecOf(type);
        const interpreted = interpretedCodec(type);
        const bytes = compiled.encode(value);
        assert.deepEqual(interpreted.encode(value), bytes);
        assert.deepEqual(compiled.decode(bytes), value);
        assert.deepEqual(interpreted.decode(bytes), value);
      }),
      { numRuns: 400 },
    );
  });

  it("write into any sink, behind what stands there", () => {
    fc.assert(
      fc.property(typeAndValue, fc.nat(40), fc.boolean(), ({ type, value }, before, plain) => {
        const sink = byteSink(before);
        if (plain) sink.buffer = new Uint8Array(before);
        sink.position = before;
        sink.buffer.fill(7);
        codecOf(type).encodeInto(value, sink);
        assert.deepEqual(new Uint8Array(sink.buffer.subarray(before, sink.position)), codecOf(type).encode(value));
        assert.ok(sink.buffer.subarray(0, before).every((byte) => byte === 7));
      }),
    );
  });

  it("merge two messages one after the other as protobuf does: both ways give the same", () => {
    const pair = messageTypes().chain(([type]) =>
      fc.record({
        type: fc.constant(type as MessageType<object>),
        a: messageValues(type as MessageType),
        b: messageValues(type as MessageType),
      }),
    );
    fc.assert(
      fc.property(pair, ({ type, a, b }) => {
        const bytes = Buffer.concat([codecOf(type).encode(a), codecOf(type).encode(b)]);
        assert.deepEqual(outcome(codecOf(type), bytes), outcome(interpretedCodec(type), bytes));
      }),
      { numRuns: 200 },
    );
  });

  it("decode any bytes or fail with one INVALID_ARGUMENT, and both ways agree", () => {
    fc.assert(
      fc.property(messageTypes(), fc.uint8Array({ maxLength: 80 }), ([type], bytes) => {
        const known = type as MessageType<object>;
        assert.deepEqual(outcome(codecOf(known), bytes), outcome(interpretedCodec(known), bytes));
      }),
      { numRuns: 400 },
    );
  });

  it("do so for good bytes in which something was changed, cut out or put in", () => {
    const edit = fc.record({ at: fc.nat(), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) });
    fc.assert(
      fc.property(typeAndValue, fc.array(edit, { minLength: 1, maxLength: 4 }), ({ type, value }, edits) => {
        const bytes = edits.reduce(
          (before, { at, remove, insert }) => {
            const start = at % (before.length + 1);
            return Buffer.concat([before.subarray(0, start), insert, before.subarray(start + remove)]);
          },
          Buffer.from(codecOf(type).encode(value)),
        );
        const result = outcome(codecOf(type), bytes);
        assert.deepEqual(result, outcome(interpretedCodec(type), bytes));
        // Whatever was read can be written, and read again.
        const read = (result as { readonly value?: object }).value;
        if (read) assert.deepEqual(codecOf(type).decode(codecOf(type).encode(read)), read);
      }),
      { numRuns: 600 },
    );
  });

  it("read from the middle of a buffer as from one of its own", () => {
    fc.assert(
      fc.property(typeAndValue, fc.uint8Array(), fc.uint8Array(), ({ type, value }, before, after) => {
        const bytes = codecOf(type).encode(value);
        const all = Buffer.concat([before, bytes, after]);
        assert.deepEqual(codecOf(type).decode(all, before.length, before.length + bytes.length), value);
      }),
    );
  });

  it("write any value or refuse it with one INVALID_ARGUMENT, as JSON does", () => {
    const anything = fc.anything({ withBigInt: true, withMap: true, withTypedArray: true, withSet: true, maxDepth: 2 });
    const spoilt = typeAndValue.chain(({ type, value }) =>
      fc.tuple(fc.nat(), anything).map(([at, item]) => ({ type, value: spoil(value, at, item) })),
    );
    const refusal = (work: () => unknown): unknown => {
      try {
        return { result: work() };
      } catch (error) {
        assert.ok(error instanceof StatusError, String(error));
        assert.equal(error.code, "INVALID_ARGUMENT");
        return { error: error.message };
      }
    };
    fc.assert(
      fc.property(spoilt, ({ type, value }) => {
        const compiled = refusal(() => codecOf(type).encode(value));
        assert.deepEqual(
          compiled,
          refusal(() => interpretedCodec(type).encode(value)),
        );
        refusal(() => jsonOf(type).toJson(value));
        redact(type, value);
      }),
      { numRuns: 600 },
    );
  });
});

/** Puts something else in the place of one of the values inside. */
function spoil(value: object, at: number, item: unknown): object {
  const keys = Object.keys(value);
  const key = keys[at % Math.max(1, keys.length)];
  if (key === undefined) return value;
  const inner = (value as Readonly<Record<string, unknown>>)[key];
  const deeper = at % 3 !== 0 && typeof inner === "object" && inner !== null && !(inner instanceof Uint8Array);
  if (!deeper || inner instanceof Map) return { ...value, [key]: item };
  const changed = spoil(inner, at >> 2, item);
  return { ...value, [key]: Array.isArray(inner) ? Object.values(changed) : changed };
}
