import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, noMetadata, StatusError } from "@mortise/kernel";
import { byteSink } from "@mortise/kernel/contract";
import fc from "fast-check";
import { readReplyHead, readRequestHead, writeReplyHead, writeRequestHead } from "./lean.ts";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef".split("")), minLength: length, maxLength: length });
const name = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}[a-z0-9]$/).filter((text) => !text.endsWith("-bin"));

const request = fc.record({
  number: fc.integer({ min: 0, max: 20_000 }),
  tell: fc.boolean(),
  path: fc.string({ maxLength: 100 }),
  serializer: fc.option(fc.stringMatching(/^[a-z]{1,20}$/), { nil: undefined }),
  leftMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ min: 0.001, max: 1e9, noNaN: true })),
  trace: fc.option(fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean(), state: fc.constant("") }), {
    nil: undefined,
  }),
  metadata: fc.dictionary(name, fc.stringMatching(/^[ -~]{0,40}$/), { maxKeys: 4 }),
});

describe("lean bodies of dubbo", () => {
  it("say ahead of a request what was meant, and nothing else", () => {
    fc.assert(
      fc.property(request, fc.uint8Array({ maxLength: 20 }), (given, message) => {
        const { number, tell, path, serializer, leftMs, trace, metadata } = given;
        const context = callContext({ ...(trace && { trace }), metadata });
        const sink = byteSink(16);
        const named = { number, path: Buffer.from(path), serializer: serializer ? Buffer.from(serializer) : undefined };
        writeRequestHead(sink, named, tell, context, leftMs);
        sink.reserve(message.length);
        sink.buffer.set(message, sink.position);
        const end = sink.position + message.length;
        const head = readRequestHead(Buffer.from(sink.buffer.subarray(0, end)), 0, end);
        assert.equal(end - head.message, message.length);
        assert.equal(head.number, number < 8192 ? number : -1);
        assert.equal(head.path, tell || number >= 8192 ? Buffer.from(path).toString() : undefined);
        assert.equal(head.serializer, serializer);
        assert.equal(head.timeoutMs, leftMs === Number.POSITIVE_INFINITY ? undefined : Math.ceil(leftMs));
        const bare = Object.keys(metadata).length === 0;
        assert.deepEqual({ ...head.trace }, bare ? { ...trace } : {});
        for (const [key, value] of Object.entries(metadata)) assert.equal(head.headers.get(key), value);
        if (bare) assert.equal(head.headers, noMetadata);
      }),
    );
  });

  it("carry no trace that is not made of hex digits", () => {
    const sink = byteSink();
    const trace = { traceId: "z".repeat(32), spanId: "b".repeat(16), sampled: true, state: "" };
    writeRequestHead(
      sink,
      { number: 1, path: Buffer.from("p"), serializer: undefined },
      false,
      callContext({ trace }),
      5,
    );
    assert.equal(readRequestHead(Buffer.from(sink.buffer), 0, sink.position).trace, undefined);
  });

  it("are read or refused, whatever they hold", () => {
    const tame = (read: (bytes: Buffer, start: number, end: number) => unknown) => (bytes: Uint8Array) => {
      try {
        read(Buffer.from(bytes), 0, bytes.length);
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code === "INVALID_ARGUMENT", String(error));
      }
    };
    const flagged = fc.tuple(fc.integer({ min: 0x20, max: 0x3f }), fc.uint8Array({ maxLength: 80 }));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      flagged.map(([flags, rest]) => Uint8Array.of(flags, ...rest)),
    );
    fc.assert(fc.property(bytes, tame(readRequestHead)), { numRuns: 5000 });
    fc.assert(fc.property(bytes, tame(readReplyHead)), { numRuns: 5000 });
  });

  it("say ahead of a response what its headers and trailers are", () => {
    const sink = byteSink();
    const [headers, trailers] = ["a", "b"].map((key) => callContext({ metadata: { [key]: "1" } }).outgoing);
    writeReplyHead(sink, headers ?? noMetadata, trailers ?? noMetadata);
    const head = readReplyHead(Buffer.from(sink.buffer), 0, sink.position);
    assert.deepEqual([head.headers.get("a"), head.trailers.get("b"), head.message], ["1", "1", sink.position]);
  });
});
