import { UserError } from "../exit.ts";

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads `90s`, `5m`, `2h`, `1d` or `250ms`, in milliseconds. Throws a UserError for anything else. */
export function readDuration(flag: string, text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = units[unit as keyof typeof units];
  if (factor === undefined) throw new UserError(`${flag} takes a time such as 90s, 5m, 2h or 1d, not "${text}"`);
  return Number(count) * factor;
}

/** A time for people, in its two largest units. */
export function duration(ms: bigint): string {
  const whole = Number(ms);
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 60_000) return `${(whole / 1_000).toFixed(1)} s`;
  if (whole < units.h) return two(whole, units.m, "min", units.s, "s");
  return whole < units.d ? two(whole, units.h, "h", units.m, "min") : two(whole, units.d, "d", units.h, "h");
}

function two(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  return `${Math.floor(ms / large)} ${largeName} ${Math.floor((ms % large) / small)} ${smallName}`;
}

/** `2026-11-21 15:40:02.123`, in UTC. */
export function moment(ms: bigint): string {
  return new Date(Number(ms)).toISOString().replace("T", " ").slice(0, -1);
}
