import type { ConfigPath, UseValue } from "./config.ts";

/** One plugin the configuration names for an SPI. */
export interface UseEntry {
  readonly name: string;
  /** What policies and `named` needs call it: the alias given, else the name. */
  readonly alias: string;
  /** Under this key its options are written; see {@link readUse}. */
  readonly key: string;
  readonly path: ConfigPath;
}

/** What the configuration says about one SPI. */
export interface Use {
  readonly entries: readonly UseEntry[];
  /** Names written with a minus: plugins that must not join by themselves. */
  readonly removed: readonly UseRemoval[];
  /** How many entries stand before the word `default`; nothing if the word is missing. */
  readonly defaultAt: number | undefined;
  /** Whether `-default` is in the list: no plugin joins by itself. */
  readonly withoutDefault: boolean;
}

export interface UseRemoval {
  readonly name: string;
  readonly path: ConfigPath;
}

/** Where and why a value of `use` cannot be read. */
export interface UseFault {
  readonly code: "USE_INVALID" | "LIST_CONTRADICTORY";
  readonly message: string;
  readonly path: ConfigPath;
}

export interface UseRead {
  readonly use: Use;
  readonly faults: readonly UseFault[];
}

interface Item {
  readonly name: unknown;
  readonly alias: string | undefined;
  readonly path: ConfigPath;
}

/**
 * Reads what the configuration says about one SPI.
 *
 * The key of a plugin is `<spi>/<name>` for the first entry and for every entry whose alias is the plugin's own name (as
 * in a list); any other entry, and one whose key is already taken, has the key `<spi>/<name>#<alias>`.
 */
export function readUse(spi: string, value: UseValue | undefined): UseRead {
  const faults: UseFault[] = [];
  const entries: UseEntry[] = [];
  const removed: UseRemoval[] = [];
  let defaultAt: number | undefined;
  let withoutDefault = false;
  const contradictory = (path: ConfigPath, message: string) =>
    faults.push({ code: "LIST_CONTRADICTORY", path, message: `${spi}: ${message}` });

  for (const { name, alias, path } of itemsOf(spi, value)) {
    if (typeof name !== "string" || name === "" || name === "-") {
      faults.push({ code: "USE_INVALID", path, message: `${spi}: ${wrongItem(name)}` });
    } else if (alias === undefined && name === "default") {
      if (defaultAt !== undefined) contradictory(path, "`default` stands in the list twice; keep one.");
      else defaultAt = entries.length;
    } else if (alias === undefined && name === "-default") {
      withoutDefault = true;
    } else if (alias === undefined && name.startsWith("-")) {
      removed.push({ name: name.slice(1), path });
    } else {
      const twice = alias === undefined && entries.some((entry) => entry.name === name);
      if (twice) {
        const example = `{ default: ${name}, other: ${name} }`;
        contradictory(path, `${name} stands in the list twice; remove one, or give both an alias: ${example}.`);
      } else entries.push(entryOf(spi, name, alias ?? name, path, entries));
    }
  }
  for (const { name, path } of removed) {
    if (entries.some((entry) => entry.name === name)) contradictory(path, `the list names both ${name} and -${name}.`);
  }
  if (withoutDefault && defaultAt !== undefined) {
    contradictory(["use", spi], "the list names both `default` and `-default`.");
  }
  return { use: { entries, removed, defaultAt, withoutDefault }, faults };
}

function itemsOf(spi: string, value: unknown): Item[] {
  const path = ["use", spi];
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.map((name, index) => ({ name, alias: undefined, path: [...path, index] }));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).map(([alias, name]) => ({ name, alias, path: [...path, alias] }));
  }
  return [{ name: value, alias: undefined, path }];
}

function entryOf(spi: string, name: string, alias: string, path: ConfigPath, before: readonly UseEntry[]): UseEntry {
  const short = `${spi}/${name}`;
  const own = (before.length === 0 || alias === name) && !before.some(({ key }) => key === short);
  return { name, alias, key: own ? short : `${short}#${alias}`, path };
}

function wrongItem(name: unknown): string {
  const found =
    name === "" || name === "-"
      ? `"${name}"`
      : name === null
        ? "nothing"
        : `a ${Array.isArray(name) ? "list" : typeof name}`;
  return `expected the name of a plugin, found ${found}. Write a name, a list of names, or names by alias.`;
}
