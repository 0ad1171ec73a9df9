import { type FieldSpec, field, int32, int64 } from "./fields.ts";
import { message } from "./message.ts";
import type { Infer } from "./types.ts";

/** google.protobuf.Timestamp: a point in time, as seconds since 1970 and nanoseconds (0 to 999,999,999) after them. */
export const Timestamp = message("google.protobuf.Timestamp", { seconds: int64(1), nanos: int32(2) });
export type Timestamp = Infer<typeof Timestamp>;

/** google.protobuf.Duration: a span of time; seconds and nanoseconds have the same sign. */
export const Duration = message("google.protobuf.Duration", { seconds: int64(1), nanos: int32(2) });
export type Duration = Infer<typeof Duration>;

/** google.protobuf.Empty: nothing. */
export const Empty = message("google.protobuf.Empty", {});

/** A field that holds a point in time. It may be absent; see `required`. */
export const timestamp = (number: number): FieldSpec<Timestamp, true> => field(number, Timestamp);

/** A field that holds a span of time. It may be absent; see `required`. */
export const duration = (number: number): FieldSpec<Duration, true> => field(number, Duration);

const nanosPerMilli = 1_000_000;

/** From milliseconds since 1970; fractions count, to the nanosecond. Throws a RangeError unless `millis` is finite. */
export function timestampFromMillis(millis: number): Timestamp {
  const seconds = Math.floor(finite(millis) / 1000);
  const nanos = Math.round((millis - seconds * 1000) * nanosPerMilli);
  return nanos < 1e9 ? { seconds: BigInt(seconds), nanos } : { seconds: BigInt(seconds + 1), nanos: 0 };
}

/** Milliseconds since 1970, with the nanoseconds as a fraction as far as a double can hold it. */
export function millisOfTimestamp({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + nanos / nanosPerMilli;
}

/** From milliseconds; fractions count, to the nanosecond. Throws a RangeError unless `millis` is finite. */
export function durationFromMillis(millis: number): Duration {
  const seconds = Math.trunc(finite(millis) / 1000);
  const nanos = Math.round((millis - seconds * 1000) * nanosPerMilli);
  const carry = Math.trunc(nanos / 1e9);
  return { seconds: BigInt(seconds + carry), nanos: nanos - carry * 1e9 };
}

/** Milliseconds, with the nanoseconds as a fraction as far as a double can hold it. */
export function millisOfDuration({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / nanosPerMilli;
}

/** Orders points in time, and spans: negative when `a` comes first. */
export function compareTimes(a: Timestamp | Duration, b: Timestamp | Duration): number {
  return a.seconds === b.seconds ? a.nanos - b.nanos : a.seconds < b.seconds ? -1 : 1;
}

function finite(millis: number): number {
  if (!Number.isFinite(millis)) throw new RangeError(`${millis} is not a number of milliseconds`);
  return millis;
}
