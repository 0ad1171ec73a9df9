import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { field, int32, message, repeated, string } from "../index.ts";
import type { ByteSink } from "../types.ts";
import { codecOf } from "./codec.ts";
import { byteSink } from "./sink.ts";

const Line = message("test.v1.Line", { sku: string(1), quantity: int32(2) });
const Order = message("test.v1.Order", { id: string(1), lines: repeated(field(2, Line)) });
const order = (size: number, mark: string) => ({
  id: mark.repeat(size),
  lines: [{ sku: mark.repeat(size % 300), quantity: size }],
});

describe("encoded messages", () => {
  it("are plain byte arrays of the right size that nobody writes to again", () => {
    const sizes = fc.array(fc.oneof(fc.nat(200), fc.nat(40_000)), { maxLength: 40 });
    fc.assert(
      fc.property(sizes, (sizes) => {
        const values = sizes.map((size, i) => order(size, String.fromCharCode(97 + (i % 26))));
        const all = values.map((value) => codecOf(Order).encode(value));
        for (const [i, bytes] of all.entries()) {
          assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
          assert.deepEqual(codecOf(Order).decode(bytes), values[i]);
        }
      }),
    );
  });

  it("survive a value that encodes another message while it is read", () => {
    const inner = order(20, "i");
    const value = {
      get id() {
        assert.deepEqual(codecOf(Order).decode(codecOf(Order).encode(inner)), inner);
        return "outer";
      },
      lines: order(5000, "o").lines,
    };
    assert.deepEqual(codecOf(Order).decode(codecOf(Order).encode(value)), { id: "outer", lines: value.lines });
  });

  it("leave nothing behind when a value turns out wrong half-way", () => {
    const before = codecOf(Order).encode(order(10, "a"));
    assert.throws(() => codecOf(Order).encode({ id: "x".repeat(50_000), lines: [{ sku: "", quantity: 0.5 }] }));
    const after = codecOf(Order).encode(order(10, "a"));
    assert.deepEqual(after, before);
    const sink = byteSink();
    sink.position = 5;
    assert.throws(() => codecOf(Order).encodeInto({ id: "abc", lines: [{ sku: "", quantity: 0.5 }] }, sink));
    assert.equal(sink.position, 5);
  });
});

describe("a sink", () => {
  it("keeps its memory from message to message and grows by doubling", () => {
    const sink = byteSink(16);
    const buffers = new Set<Uint8Array>();
    for (let i = 0; i < 1000; i++) {
      codecOf(Order).encodeInto(order(100, "a"), sink);
      buffers.add(sink.buffer);
    }
    assert.ok(buffers.size < 20, `${buffers.size} buffers`);
    const { buffer } = sink;
    sink.position = 0;
    codecOf(Order).encodeInto(order(100, "b"), sink);
    assert.equal(sink.buffer, buffer);
  });

  it("may be somebody else's: a plain array that is replaced when it is full", () => {
    const sink: ByteSink = {
      buffer: new Uint8Array(4),
      position: 0,
      reserve(bytes) {
        const grown = new Uint8Array(this.position + bytes);
        grown.set(this.buffer.subarray(0, this.position));
        this.buffer = grown;
      },
    };
    codecOf(Order).encodeInto(order(3000, "é"), sink);
    assert.deepEqual(codecOf(Order).decode(sink.buffer, 0, sink.position), order(3000, "é"));
  });

  it("begins anew with a large message's memory bounded", () => {
    const sink = byteSink(16);
    codecOf(Order).encodeInto({ id: "x".repeat(1_000_000), lines: [] }, sink);
    assert.ok(sink.buffer.length < 1_100_000, `${sink.buffer.length} bytes for a text of a million ASCII characters`);
  });
});
