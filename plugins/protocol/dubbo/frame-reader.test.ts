import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { headerBytes, readInt32, writeHeader } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";

const limit = 1000;

interface Seen {
  readonly frames: { readonly id: number; readonly body: Buffer }[];
  readonly oversized: number[];
  malformed: string;
  most: number;
}

/** Gives the chunks to a reader, and what it made of them. */
function read(chunks: readonly Buffer[]): Seen {
  const seen: Seen = { frames: [], oversized: [], malformed: "", most: 0 };
  const reader = new FrameReader(
    {
      frame(bytes, at, end) {
        seen.frames.push({ id: readInt32(bytes, at + 8), body: Buffer.from(bytes.subarray(at + headerBytes, end)) });
      },
      oversized: (_bytes, _at, length) => seen.oversized.push(length),
      malformed(why) {
        assert.equal(seen.malformed, "", "told twice");
        seen.malformed = why;
      },
    },
    limit,
  );
  for (const chunk of chunks) {
    reader.push(chunk);
    seen.most = Math.max(seen.most, reader.held);
  }
  return seen;
}

function frame(id: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(headerBytes + body.length);
  writeHeader(bytes, 0, 0xc2, 0, 0, id, body.length);
  body.copy(bytes, headerBytes);
  return bytes;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, i) => Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end)));
}

const bodies = fc.array(fc.uint8Array({ maxLength: limit + 300 }), { maxLength: 12 });

describe("frames of dubbo", () => {
  it("come whole and in order, wherever they are cut", () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 30 }), (all, places) => {
        const sent = all.map((body, id) => ({ id, body: Buffer.from(body) }));
        const seen = read(cut(Buffer.concat(sent.map(({ id, body }) => frame(id, body))), places));
        assert.deepEqual(
          seen.frames,
          sent.filter(({ body }) => body.length <= limit),
        );
        assert.deepEqual(
          seen.oversized,
          sent.map(({ body }) => body.length).filter((length) => length > limit),
        );
        assert.equal(seen.malformed, "");
      }),
    );
  });

  it("come when each of their bytes comes alone", () => {
    const sent = [Buffer.from("first"), Buffer.alloc(0), Buffer.alloc(limit, 7), Buffer.alloc(limit + 1)];
    const bytes = Buffer.concat(sent.map((body, id) => frame(id, body)));
    const seen = read(Array.from(bytes, (byte) => Buffer.of(byte)));
    assert.deepEqual(
      seen.frames.map(({ body }) => body),
      sent.slice(0, 3),
    );
    assert.deepEqual(seen.oversized, [limit + 1]);
  });

  it("keep no more memory than has come, whatever a header claims", () => {
    const header = Buffer.alloc(headerBytes);
    writeHeader(header, 0, 0xc2, 0, 0, 1, limit);
    assert.ok(read([header, Buffer.alloc(10)]).most <= 4096);
    writeHeader(header, 0, 0xc2, 0, 0, 1, 0x7fff_ffff);
    const seen = read([header, Buffer.alloc(100_000)]);
    assert.deepEqual([seen.most, seen.oversized], [0, [0x7fff_ffff]]);
  });

  it("end at what is none, and nothing after it is read", () => {
    const good = frame(1, Buffer.from("good"));
    for (const bad of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.of(0xda, 0), Buffer.of(0)]) {
      for (const chunks of [[good, bad, good], [Buffer.concat([good, bad, good])]]) {
        const seen = read(chunks);
        assert.equal(seen.frames.length, 1);
        assert.match(seen.malformed, /no Dubbo frame/);
      }
    }
    const negative = Buffer.alloc(headerBytes);
    writeHeader(negative, 0, 0xc2, 0, 0, 1, -1);
    for (const chunks of [[negative], cut(negative, [5])]) assert.match(read(chunks).malformed, /negative/);
  });
});
