import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  codecOf,
  compareTimes,
  durationFromMillis,
  Empty,
  millisOfDuration,
  millisOfTimestamp,
  type Timestamp,
  timestampFromMillis,
} from "./index.ts";

const millis = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
const isWhole = ({ nanos }: Timestamp) => Number.isInteger(nanos) && Math.abs(nanos) < 1e9;

describe("points in time", () => {
  it("keep milliseconds, with nanoseconds that are never negative", () => {
    fc.assert(
      fc.property(millis, (ms) => {
        const time = timestampFromMillis(ms);
        assert.ok(isWhole(time) && time.nanos >= 0);
        assert.equal(time.seconds * 1000n + BigInt(time.nanos) / 1_000_000n, BigInt(ms));
        assert.equal(millisOfTimestamp(time), ms);
      }),
      { examples: [[-1], [0], [999]] },
    );
  });

  it("keep fractions to the nanosecond, and carry what rounds up", () => {
    assert.deepEqual(timestampFromMillis(1.000001), { seconds: 0n, nanos: 1_000_001 });
    assert.deepEqual(timestampFromMillis(999.9999999), { seconds: 1n, nanos: 0 });
    assert.deepEqual(timestampFromMillis(-0.5), { seconds: -1n, nanos: 999_500_000 });
  });
});

describe("spans of time", () => {
  it("have one sign", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), (ms) => {
        const span = durationFromMillis(ms);
        assert.ok(isWhole(span));
        assert.ok(span.seconds === 0n || span.nanos === 0 || span.seconds > 0n === span.nanos > 0);
        assert.ok(Math.abs(millisOfDuration(span) - ms) <= Math.max(1e-6, Math.abs(ms) * 1e-15));
      }),
    );
    assert.deepEqual(durationFromMillis(-1500), { seconds: -1n, nanos: -500_000_000 });
    assert.deepEqual(durationFromMillis(-999.9999999), { seconds: -1n, nanos: 0 });
  });
});

it("times are ordered as their milliseconds are", () => {
  fc.assert(
    fc.property(millis, millis, (a, b) => {
      assert.equal(Math.sign(compareTimes(timestampFromMillis(a), timestampFromMillis(b))), Math.sign(a - b));
    }),
  );
});

it("what is no number of milliseconds is refused", () => {
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => timestampFromMillis(ms), RangeError);
    assert.throws(() => durationFromMillis(ms), RangeError);
  }
});

it("nothing takes no bytes", () => {
  assert.deepEqual(codecOf(Empty).encode({}), new Uint8Array(0));
  assert.deepEqual(codecOf(Empty).decode(Buffer.from("08 01".replace(" ", ""), "hex")), {});
});
