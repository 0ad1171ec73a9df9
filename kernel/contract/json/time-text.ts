import type { Duration, Timestamp } from "../well-known.ts";

const firstSecond = -62_135_596_800n; // 0001-01-01T00:00:00Z
const lastSecond = 253_402_300_799n; // 9999-12-31T23:59:59Z
const longestSeconds = 315_576_000_000n; // about 10,000 years

/** Nanoseconds as a fraction of 0, 3, 6 or 9 digits. */
function fraction(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  return `.${digits.endsWith("000000") ? digits.slice(0, 3) : digits.endsWith("000") ? digits.slice(0, 6) : digits}`;
}

const nanosOf = (digits = ""): number => Number(digits.padEnd(9, "0"));

const isTime = ({ seconds, nanos }: Timestamp | Duration): boolean =>
  typeof seconds === "bigint" && Number.isInteger(nanos) && Math.abs(nanos) <= 999_999_999;

/** RFC 3339 in UTC with 0, 3, 6 or 9 digits of a second; undefined outside of the years 1 to 9999. */
export function timestampToText(time: Timestamp): string | undefined {
  const { seconds, nanos } = time;
  if (!isTime(time) || seconds < firstSecond || seconds > lastSecond || nanos < 0) return undefined;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction(nanos)}Z`;
}

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Reads RFC 3339 with any offset; undefined if it is not a point in time of the years 1 to 9999. */
export function timestampFromText(text: string): Timestamp | undefined {
  const [, local, digits, sign, hours, minutes] = rfc3339.exec(text) ?? [];
  if (local === undefined) return undefined;
  const millis = Date.parse(`${local}Z`);
  // Date accepts the 30th of February and hour 24, and moves them on.
  if (Number.isNaN(millis) || !new Date(millis).toISOString().startsWith(local)) return undefined;
  const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 * (sign === "-" ? -1 : 1);
  if (Math.abs(offset) >= 86_400 || Number(minutes ?? 0) > 59) return undefined;
  const seconds = BigInt(millis / 1000 - offset);
  return seconds < firstSecond || seconds > lastSecond ? undefined : { seconds, nanos: nanosOf(digits) };
}

/** `-1.5s` with 0, 3, 6 or 9 digits; undefined beyond 10,000 years or when seconds and nanos differ in sign. */
export function durationToText(span: Duration): string | undefined {
  if (!isTime(span)) return undefined;
  const { seconds, nanos } = span;
  const size = seconds < 0n ? -seconds : seconds;
  const mixed = (seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0);
  if (size > longestSeconds || mixed) return undefined;
  return `${seconds < 0n || nanos < 0 ? "-" : ""}${size}${fraction(Math.abs(nanos))}s`;
}

const spanText = /^(-)?(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** Reads what `durationToText` writes; undefined for anything else. */
export function durationFromText(text: string): Duration | undefined {
  const [, sign, whole, digits] = spanText.exec(text) ?? [];
  if (whole === undefined || BigInt(whole) > longestSeconds) return undefined;
  const nanos = nanosOf(digits);
  return sign ? { seconds: -BigInt(whole), nanos: nanos === 0 ? 0 : -nanos } : { seconds: BigInt(whole), nanos };
}
