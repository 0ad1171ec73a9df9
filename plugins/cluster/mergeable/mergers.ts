import { type Field, type MessageType, StatusError } from "@mortise/kernel";
import { isOpaque } from "@mortise/kernel/contract";

/** Makes one message of several. There is at least one, and none of them is changed. */
export type Merge = (answers: readonly unknown[]) => unknown;

/** Makes one value of the values of a field that are set; there is at least one. */
type Merger = (values: readonly unknown[]) => unknown;

/** How the fields of a message are merged: `default`, or a merger by the name of the field. */
export type MergeRule = "default" | Readonly<Record<string, string>>;

type Shape = "list" | "map" | "counts" | "number" | "bool" | "moment" | "message" | "other";

const any: readonly Shape[] = ["list", "map", "counts", "number", "bool", "moment", "message", "other"];
const counted: readonly Shape[] = ["number", "moment"];

interface MergerKind {
  readonly fits: readonly Shape[];
  readonly merger: Merger;
}

/** The mergers by name. `number` holds for all numeric types, `counts` for maps to one, `moment` for Timestamp and Duration. */
export const mergers: Readonly<Record<string, MergerKind>> = {
  first: { fits: any, merger: (values) => values[0] },
  last: { fits: any, merger: (values) => values.at(-1) },
  concat: { fits: ["list"], merger: (values) => (values as readonly unknown[][]).flat(1) },
  union: { fits: ["list"], merger: (values) => [...new Set((values as readonly unknown[][]).flat(1))] },
  merge: {
    fits: ["map", "counts"],
    merger: (values) => new Map((values as readonly Map<unknown, unknown>[]).flatMap((m) => [...m])),
  },
  "sum-values": { fits: ["counts"], merger: (values) => summedMaps(values as readonly Map<unknown, Numeric>[]) },
  sum: { fits: ["number"], merger: (values) => (values as readonly Numeric[]).reduce(plus) },
  min: { fits: counted, merger: (values) => values.reduce((a, b) => (compare(b, a) < 0 ? b : a)) },
  max: { fits: counted, merger: (values) => values.reduce((a, b) => (compare(b, a) > 0 ? b : a)) },
  any: { fits: ["bool"], merger: (values) => values.includes(true) },
  all: { fits: ["bool"], merger: (values) => !values.includes(false) },
};

/**
 * Compiles how answers of a type become one. Throws FAILED_PRECONDITION for a field or a merger that is not there, or that do
 * not go together.
 */
export function mergeOf(type: MessageType, rule: MergeRule): Merge {
  if (isOpaque(type))
    throw wrong(`${type.name} is not a contract of this system; merge it by a function: <file>#<export>`);
  const rules: Readonly<Record<string, string>> = rule === "default" ? {} : rule;
  const names = new Set(type.fields.map(({ name, oneof }) => oneof ?? name));
  for (const name of Object.keys(rules).filter((name) => !names.has(name)))
    throw wrong(`${type.name} has no field "${name}"; it has ${[...names].join(", ")}`);
  const units = [...names].map((name) => {
    const field = type.fields.find((one) => one.name === name);
    return { name, merger: mergerFor(type, name, field, rules[name]) };
  });
  return (answers) => {
    const merged: Record<string, unknown> = {};
    for (const { name, merger } of units) {
      const values = answers.flatMap((answer) => {
        const value = (answer as Readonly<Record<string, unknown>>)[name];
        return value === undefined || value === null ? [] : [value];
      });
      if (values.length > 0) merged[name] = merger(values);
    }
    return merged;
  };
}

function mergerFor(type: MessageType, name: string, field: Field | undefined, chosen: string | undefined): Merger {
  const shape = field ? shapeOf(field) : "other"; // a oneof
  if (chosen === undefined || chosen === "default") return defaultFor(shape, field);
  const kind = mergers[chosen];
  if (!kind)
    throw wrong(`"${chosen}" for ${type.name}.${name} is no merger; there are ${Object.keys(mergers).join(", ")}`);
  if (kind.fits.includes(shape)) return kind.merger;
  throw wrong(`"${chosen}" cannot merge ${type.name}.${name}, a ${shape}; it is for ${kind.fits.join(" and ")}`);
}

/** Lists one after the other, entries of maps together, messages field by field; of anything else the first that says something. */
function defaultFor(shape: Shape, field: Field | undefined): Merger {
  if (shape === "list") return (mergers.concat as MergerKind).merger;
  if (shape === "map" || shape === "counts") return (mergers.merge as MergerKind).merger;
  if (shape === "message" && field?.type.kind === "message") {
    const { message } = field.type;
    let merge: Merge | undefined; // made when first used: messages may refer to themselves
    return (values) => {
      merge ??= isOpaque(message()) ? (values) => values[0] : mergeOf(message(), "default");
      return merge(values);
    };
  }
  return (values) => values.find((value) => !isDefault(value)) ?? values[0];
}

function isDefault(value: unknown): boolean {
  return (
    value === 0 ||
    value === 0n ||
    value === "" ||
    value === false ||
    (value instanceof Uint8Array && value.length === 0)
  );
}

const momentTypes: ReadonlySet<string> = new Set(["google.protobuf.Timestamp", "google.protobuf.Duration"]);
const noNumbers: ReadonlySet<string> = new Set(["string", "bytes", "bool"]);

function shapeOf({ repeated, mapKey, type }: Field): Shape {
  const numeric = type.kind === "scalar" && !noNumbers.has(type.scalar);
  if (mapKey !== undefined) return numeric ? "counts" : "map";
  if (repeated) return "list";
  if (type.kind === "message") return momentTypes.has(type.message().name) ? "moment" : "message";
  if (type.kind === "scalar" && type.scalar === "bool") return "bool";
  return numeric ? "number" : "other";
}

type Numeric = number | bigint;

function plus(a: Numeric, b: Numeric): Numeric {
  return typeof a === "bigint" ? a + BigInt(b) : a + Number(b);
}

function summedMaps(maps: readonly Map<unknown, Numeric>[]): Map<unknown, Numeric> {
  const sums = new Map<unknown, Numeric>();
  for (const [key, value] of maps.flatMap((map) => [...map])) {
    const before = sums.get(key);
    sums.set(key, before === undefined ? value : plus(before, value));
  }
  return sums;
}

interface Moment {
  readonly seconds: bigint;
  readonly nanos: number;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a !== "object") return (a as Numeric) < (b as Numeric) ? -1 : (a as Numeric) > (b as Numeric) ? 1 : 0;
  const [one, two] = [a as Moment, b as Moment];
  return one.seconds === two.seconds ? one.nanos - two.nanos : one.seconds < two.seconds ? -1 : 1;
}

function wrong(why: string): StatusError {
  return new StatusError("FAILED_PRECONDITION", `policy field merger: ${why}`, { reason: "MERGER", neverSent: true });
}
