import assert from "node:assert/strict";
import { StatusError } from "../call/status.ts";
import { byteSink, type Codec, Empty, message, oneof, string } from "../contract/index.ts";
import { conformance } from "../testing/conformance.ts";
import { Bytes, Counted, type EchoNote, Entry, Mood, Note } from "../testing/echo-contract.ts";
import type { Serializer } from "./serializer.ts";

/** A note with nothing set. */
export const emptyNote: EchoNote = {
  text: "",
  number: 0n,
  share: 0,
  flag: false,
  data: new Uint8Array(),
  mood: Mood.UNSPECIFIED,
  tags: [],
  labels: new Map(),
};

/** A note with everything set. */
export const fullNote: EchoNote = {
  text: '榫卯 and a tab\t, a quote ", a NUL \0, 🪚',
  number: -9_223_372_036_854_775_808n,
  share: 0.1,
  flag: true,
  data: Uint8Array.from({ length: 256 }, (_, i) => i),
  mood: Mood.SAD,
  tags: ["", "a", "a", "__proto__"],
  labels: new Map([
    ["", 0],
    ["__proto__", -2_147_483_648],
    ["constructor", 2_147_483_647],
  ]),
  title: "",
  reply: { ...emptyNote, text: "inner", reply: emptyNote },
  body: { $case: "page", value: 0 },
};

const Choice = message("mortise.testing.v1.Choice", { of: oneof({ left: string(1), right: string(2) }) });

/** Without the properties that hold nothing: a serializer may leave those out or set them to undefined. */
function present(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Map) return value;
  if (Array.isArray(value)) return value.map(present);
  const entries = Object.entries(value).filter(([, property]) => property !== undefined);
  return Object.fromEntries(entries.map(([name, property]) => [name, present(property)]));
}

/** Throws an AssertionError unless both messages say the same. */
export function sameMessage(actual: unknown, expected: unknown): void {
  assert.deepEqual(present(actual), present(expected));
}

const roundTrip = <T>(codec: Codec<T>, value: T): T => codec.decode(codec.encode(value));

/** Decodes, or fails as every serializer must: with INVALID_ARGUMENT and a word on what is wrong. */
function decodeOrRefuse(codec: Codec<unknown>, bytes: Uint8Array): void {
  try {
    codec.decode(bytes);
  } catch (error) {
    assert.ok(
      error instanceof StatusError,
      `${error} instead of a StatusError for ${Buffer.from(bytes).toString("hex")}`,
    );
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.notEqual(error.message, "");
  }
}

const variants: readonly (readonly [string, Partial<EchoNote>])[] = [
  ["the greatest 64-bit number", { number: 9_223_372_036_854_775_807n }],
  ["a number beyond 2^53", { number: 9_007_199_254_740_993n }],
  ["infinity", { share: Number.POSITIVE_INFINITY }],
  ["minus infinity", { share: Number.NEGATIVE_INFINITY }],
  ["what is no number", { share: Number.NaN }],
  ["the smallest fraction", { share: Number.MIN_VALUE }],
  ["an enum value nobody has declared", { mood: 77 }],
  ["a long text", { text: "ä".repeat(70_000) }],
  ["bytes that are no text", { data: Uint8Array.of(0xff, 0xfe, 0, 0x80) }],
  ["an optional text that is empty", { title: "" }],
  ["an optional text", { title: "t" }],
  ["the first of two alternatives", { body: { $case: "link", value: "" } }],
  ["the second of two alternatives", { body: { $case: "page", value: -1 } }],
];

/** What every serializer keeps to. Run it with `make: () => ({ subject: mySerializer })`. */
export const serializerConformance = conformance<Serializer>("serializer", [
  {
    law: "names its media type and its subtype",
    check({ contentType, subtype }) {
      assert.match(contentType, /^[a-z]+\/[a-z0-9.+-]+$/);
      assert.match(subtype, /^[a-z0-9][a-z0-9.-]*$/);
    },
  },
  {
    law: "gives the same codec for the same type",
    check: (serializer) => assert.equal(serializer.codec(Note), serializer.codec(Note)),
  },
  {
    law: "brings a message with nothing set back as it was",
    check: (serializer) => sameMessage(roundTrip(serializer.codec(Note), emptyNote), emptyNote),
  },
  {
    law: "brings a message with everything set back as it was",
    check: (serializer) => sameMessage(roundTrip(serializer.codec(Note), fullNote), fullNote),
  },
  ...variants.map(([what, change]) => ({
    law: `brings ${what} back as it was`,
    check(serializer: Serializer) {
      const note = { ...emptyNote, ...change };
      sameMessage(roundTrip(serializer.codec(Note), note), note);
    },
  })),
  {
    law: "brings a message of no fields back",
    check: (serializer) => sameMessage(roundTrip(serializer.codec(Empty), {}), {}),
  },
  {
    law: "brings absent alternatives back as absent",
    check: (serializer) => assert.equal(roundTrip(serializer.codec(Choice), {}).of, undefined),
  },
  {
    law: "brings 1 MiB of bytes back as they were",
    check(serializer) {
      const data = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 31) & 255);
      assert.ok(Buffer.from(data).equals(roundTrip(serializer.codec(Bytes), { data }).data));
    },
  },
  {
    law: "gives bytes to each message that later messages leave alone",
    check(serializer) {
      const codec = serializer.codec(Entry);
      const entry = (name: string) => ({ name, text: name.repeat(50), data: Uint8Array.of(1, 2, 3) });
      const encoded = Array.from({ length: 500 }, (_, i) => codec.encode(entry(`n${i}`)));
      for (const [i, bytes] of encoded.entries()) assert.equal(codec.decode(bytes).name, `n${i}`);
    },
  },
  {
    law: "writes into a sink at its position, and leaves what is before it alone",
    check(serializer) {
      const codec = serializer.codec(Note);
      const sink = byteSink(16);
      sink.buffer.fill(7);
      sink.position = 5;
      codec.encodeInto(fullNote, sink);
      assert.deepEqual([...sink.buffer.subarray(0, 5)], [7, 7, 7, 7, 7]);
      sameMessage(codec.decode(sink.buffer, 5, sink.position), fullNote);
    },
  },
  {
    law: "writes several messages into one sink, one after the other",
    check(serializer) {
      const codec = serializer.codec(Counted);
      const sink = byteSink(4);
      const ends = Array.from({ length: 50 }, (_, number) => {
        codec.encodeInto({ number, padding: new Uint8Array(number) }, sink);
        return sink.position;
      });
      for (const [i, end] of ends.entries()) {
        assert.equal(codec.decode(sink.buffer, ends[i - 1] ?? 0, end).number, i);
      }
    },
  },
  {
    law: "reads every beginning of a message, or refuses it with INVALID_ARGUMENT",
    check(serializer) {
      const codec = serializer.codec(Note);
      const bytes = codec.encode(fullNote);
      for (let end = 0; end < bytes.length; end++) decodeOrRefuse(codec, bytes.slice(0, end));
    },
  },
  {
    law: "reads a message with one wrong byte, or refuses it with INVALID_ARGUMENT",
    check(serializer) {
      const codec = serializer.codec(Note);
      const bytes = codec.encode(fullNote);
      for (const [at, byte] of bytes.entries()) {
        for (const wrong of [byte ^ 1, byte ^ 0x80, 0, 0xff]) decodeOrRefuse(codec, bytes.with(at, wrong));
      }
    },
  },
  {
    law: "refuses messages that are nested without end",
    check(serializer) {
      const codec = serializer.codec(Note);
      let note = emptyNote;
      for (let depth = 0; depth < 5000; depth++) note = { ...emptyNote, reply: note };
      assert.throws(() => roundTrip(codec, note), { name: "StatusError", code: "INVALID_ARGUMENT" });
    },
  },
  {
    law: "refuses to write a value that does not fit its type, with INVALID_ARGUMENT",
    check(serializer) {
      const codec = serializer.codec(Note);
      const wrongs: readonly object[] = [
        { text: 5 },
        { number: 5 },
        { number: 2n ** 63n },
        { tags: [1] },
        { data: "no" },
      ];
      for (const wrong of wrongs) {
        const note = { ...emptyNote, ...wrong } as EchoNote;
        assert.throws(
          () => codec.encode(note),
          { name: "StatusError", code: "INVALID_ARGUMENT" },
          Object.keys(wrong)[0],
        );
      }
    },
  },
]);
