import type { Log } from "../../core/plugin.ts";

/**
 * Logs what is wrong with something, once for as long as it is wrong.
 * @param wrong the lines, each by what tells it from others
 */
export type Telling = (level: "error" | "warn", about: string, wrong: ReadonlyMap<string, string>) => void;

export function telling(log: Log): Telling {
  const told = new Map<string, ReadonlySet<string>>();
  return (level, about, wrong) => {
    const key = `${level} ${about}`;
    const before = told.get(key);
    told.set(key, new Set(wrong.keys()));
    for (const [one, line] of wrong) if (!before?.has(one)) log[level](line);
  };
}
