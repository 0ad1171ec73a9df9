import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLError,
} from "yaml";
import type { Location } from "../core/config.ts";
import type { Entry, Node, ScalarNode } from "./node.ts";
import type { Report } from "./problem.ts";
import { type Masked, mask } from "./variables.ts";

/** One file of the configuration, read. */
export interface SourceFile {
  /** As it is shown to people. */
  readonly file: string;
  readonly text: string;
}

const maxDepth = 64;
const maxNodes = 20_000;

/** Reads YAML. Returns nothing if it cannot be read as one document of maps, lists and scalars; `report` is told why. */
export function yamlTree({ file, text }: SourceFile, report: Report): Node | undefined {
  const lines = new LineCounter();
  const masked = mask(text);
  const document = parseDocument(masked.text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const place = (offset: number): Location => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) {
    report("CONFIG_SYNTAX", masked.unmask(explain(fault)), place(fault.pos[0]));
    return undefined;
  }
  const builder = new Builder(document, masked, place, report);
  return builder.root();
}

/** Only the first error of a file is told: those after it are mostly its consequences. */
function explain({ message }: YAMLError): string {
  const hint = hints.find(([pattern]) => pattern.test(message));
  return `this is not YAML: ${hint ? hint[1] : message}`;
}

const hints: readonly (readonly [RegExp, string])[] = [
  [/^Tabs/, "a line begins with a tab; indent with spaces"],
  [/^Source contains multiple documents/, "a second document begins; keep one per file (for variants use a profile)"],
  [/^Nested mappings/, "a second `key: value` on one line; put it on its own line, or the value in quotes"],
  [/^Implicit map keys need/, "a key without a value; write `key: value`"],
  [
    /^Flow (sequence|map)|^Expected flow/,
    "a `[` or `{` is not closed before this place, or what is in it is not indented",
  ],
  [/^Missing closing/, "a text in quotes is not closed before this place"],
  [/^Plain value cannot start/, "a value cannot begin with this character; put it in quotes"],
  [/^Unresolved tag/, "tags (!name) have no meaning here; leave it out, or put the value in quotes"],
  [
    /^All mapping items must start at the same column|^All collection items/,
    "the keys of one map begin in the same column",
  ],
];

class Builder {
  readonly #document: Document;
  readonly #masked: Masked;
  readonly #place: (offset: number) => Location;
  readonly #report: Report;
  #nodes = 0;
  #failed = false;

  constructor(document: Document, masked: Masked, place: (offset: number) => Location, report: Report) {
    this.#document = document;
    this.#masked = masked;
    this.#place = place;
    this.#report = report;
  }

  root(): Node | undefined {
    const node = this.#node(this.#document.contents, this.#place(0), 0);
    return this.#failed ? undefined : node;
  }

  #node(given: unknown, around: Location, depth: number): Node {
    const at = hasRange(given) ? this.#place(given.range[0]) : around;
    this.#nodes += 1;
    if (depth > maxDepth || this.#nodes > maxNodes) return this.#tooMuch(at);
    if (isAlias(given)) return this.#alias(given, at, depth);
    if (isSeq(given)) return { kind: "list", at, items: given.items.map((item) => this.#node(item, at, depth + 1)) };
    if (isMap(given)) return { kind: "map", at, entries: this.#entries(given.items, at, depth) };
    return this.#scalar(given, at);
  }

  #alias(alias: Alias, at: Location, depth: number): Node {
    const target = alias.resolve(this.#document);
    if (target) return this.#node(target, at, depth + 1);
    this.#failed = true;
    this.#report("CONFIG_SYNTAX", `this is not YAML: nothing before this is marked &${alias.source}`, at);
    return this.#scalar(undefined, at);
  }

  #tooMuch(at: Location): Node {
    if (!this.#failed) {
      const limits = `${maxDepth} levels and ${maxNodes} values`;
      this.#failed = true;
      this.#report("CONFIG_TOO_LARGE", `more than ${limits}; does an alias (*name) refer to what it stands in?`, at);
    }
    return { kind: "list", at, items: [] };
  }

  #scalar(given: unknown, at: Location): ScalarNode {
    if (!isScalar(given)) return { kind: "scalar", at, value: null, quoted: false, variables: [] };
    const quoted = given.type !== "PLAIN";
    const value = given.value as ScalarNode["value"];
    return {
      kind: "scalar",
      at,
      value: typeof value === "string" ? this.#masked.unmask(value) : value,
      quoted,
      variables: [],
    };
  }

  #entries(pairs: readonly Pair[], around: Location, depth: number): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>();
    const inherited: Entry[] = [];
    for (const { key, value } of pairs) {
      const at = hasRange(key) ? this.#place(key.range[0]) : around;
      const name = isScalar(key) ? this.#masked.unmask(String((key.value as ScalarNode["value"]) ?? "")) : "";
      const entry = { key: at, value: this.#node(value, at, depth + 1) };
      if (name === "<<") inherited.push(entry);
      else if (name === "")
        this.#report("CONFIG_SYNTAX", "this is not YAML: a key must be a name, for example `app: shop`", at);
      else this.#add(entries, name, entry);
    }
    for (const { value } of inherited) this.#inherit(entries, value);
    return entries;
  }

  #add(entries: Map<string, Entry>, name: string, entry: Entry): void {
    const first = entries.get(name);
    if (!first) return void entries.set(name, entry);
    const message = `"${name}" is already written in line ${first.key.line}; keep one of them`;
    this.#report("CONFIG_DUPLICATE_KEY", message, entry.key);
  }

  /** YAML's merge key: what the map itself has stands. */
  #inherit(entries: Map<string, Entry>, from: Node): void {
    if (from.kind === "list") {
      for (const item of from.items) this.#inherit(entries, item);
    } else if (from.kind === "map") {
      for (const [name, entry] of from.entries) if (!entries.has(name)) entries.set(name, entry);
    } else {
      this.#report("CONFIG_SYNTAX", "this is not YAML: `<<` takes a map, for example `<<: *defaults`", from.at);
    }
  }
}

function hasRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}
