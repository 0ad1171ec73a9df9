import type { Field } from "@mortise/kernel";
import { z } from "zod";
import { type Check, leaf } from "./check.ts";

const size = z.int().nonnegative();

/** What a field must be beyond its type. */
export const constraint = z
  .strictObject({
    required: z.literal(true).describe("Set: not absent, not empty, not zero."),
    min: z.number().describe("Smallest number."),
    max: z.number().describe("Largest number."),
    minLength: size.describe("Fewest UTF-16 units of a text, or bytes."),
    maxLength: size.describe("Most UTF-16 units of a text, or bytes."),
    pattern: z.string().refine(isPattern, "is not a regular expression").describe("Regular expression a text matches."),
    oneOf: z
      .array(z.union([z.string(), z.number()]))
      .min(1)
      .describe("The values allowed; of an enumeration, by name."),
    known: z.literal(true).describe("A value the enumeration declares."),
    minItems: size.describe("Fewest items of a list or entries of a map."),
    maxItems: size.describe("Most items of a list or entries of a map."),
  })
  .partial();

export type Constraint = z.output<typeof constraint>;

/** One rule with its parameter. */
interface Rule<P> {
  /** Whether it is about a list or map as a whole, or about single values. */
  readonly of: "many" | "one" | "both";
  /** Whether it makes sense for values of the field's type. */
  fits(field: Field): boolean;
  holds(parameter: P, field: Field): (value: never) => boolean;
  says(parameter: P): string;
}

const isText = ({ type }: Field) => type.kind === "scalar" && type.scalar === "string";
const hasLength = (field: Field) => isText(field) || (field.type.kind === "scalar" && field.type.scalar === "bytes");
const isNumber = ({ type }: Field) => type.kind === "scalar" && !["string", "bytes", "bool"].includes(type.scalar);
const isEnum = ({ type }: Field) => type.kind === "enum";
const any = () => true;

type Sized = { readonly length: number } | { readonly size: number };
const sizeOf = (value: Sized) => ("length" in value ? value.length : value.size);

const rules: { readonly [K in keyof Constraint]-?: Rule<NonNullable<Constraint[K]>> } = {
  required: { of: "both", fits: any, holds: () => isSet, says: () => "must be set" },
  min: {
    of: "one",
    fits: isNumber,
    holds: (min) => (value: number) => value >= min,
    says: (min) => `must be at least ${min}`,
  },
  max: {
    of: "one",
    fits: isNumber,
    holds: (max) => (value: number) => value <= max,
    says: (max) => `must be at most ${max}`,
  },
  minLength: {
    of: "one",
    fits: hasLength,
    holds: (min) => (value: string) => value.length >= min,
    says: (min) => `must have a length of at least ${min}`,
  },
  maxLength: {
    of: "one",
    fits: hasLength,
    holds: (max) => (value: string) => value.length <= max,
    says: (max) => `must have a length of at most ${max}`,
  },
  pattern: {
    of: "one",
    fits: isText,
    holds(pattern) {
      const regExp = new RegExp(pattern, "u");
      return (value: string) => regExp.test(value);
    },
    says: (pattern) => `must match ${pattern}`,
  },
  oneOf: {
    of: "one",
    fits: (field) => isText(field) || isNumber(field) || isEnum(field),
    holds: oneOfValues,
    says: (values) => `must be one of ${values.join(", ")}`,
  },
  known: {
    of: "one",
    fits: isEnum,
    holds: (_, field) => declared(field),
    says: () => "must be a value that is declared",
  },
  minItems: {
    of: "many",
    fits: any,
    holds: (min) => (value: Sized) => sizeOf(value) >= min,
    says: (min) => `must have at least ${min} items`,
  },
  maxItems: {
    of: "many",
    fits: any,
    holds: (max) => (value: Sized) => sizeOf(value) <= max,
    says: (max) => `must have at most ${max} items`,
  },
};

/** The checks of a field's constraint: those of a list or map as a whole, and those of each value. */
export interface FieldChecks {
  readonly whole: readonly Check[];
  readonly each: readonly Check[];
}

/** Throws a TypeError for a rule that does not fit the field. */
export function checksOf(field: Field, given: Constraint, path: string): FieldChecks {
  const many = field.repeated || field.mapKey !== undefined;
  const whole: Check[] = [];
  const each: Check[] = [];
  for (const [name, parameter] of Object.entries(given)) {
    const rule = rules[name as keyof Constraint] as Rule<unknown>;
    if ((rule.of === "many" && !many) || !rule.fits(field)) {
      throw new TypeError(`validate: "${name}" does not fit the type of "${path}"`);
    }
    const check = leaf(rule.holds(parameter, field), rule.says(parameter));
    (many && rule.of === "one" ? each : whole).push(name === "required" ? check : orAbsent(check));
  }
  return { whole, each };
}

/** What is absent breaks only `required`. */
function orAbsent(check: Check): Check {
  return (value, report) => value === undefined || check(value, report);
}

function isSet(value: unknown): boolean {
  if (!value) return false; // absent, empty, zero or false
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0;
  return !(value instanceof Map) || value.size > 0;
}

function oneOfValues(values: readonly (string | number)[], field: Field): (value: unknown) => boolean {
  const { type } = field;
  if (type.kind !== "enum") {
    const allowed = new Set<unknown>(values);
    return (value) => allowed.has(typeof value === "bigint" ? Number(value) : value);
  }
  const numbers = new Set(values.map((value) => (typeof value === "number" ? value : type.enum().values[value])));
  if (numbers.has(undefined)) {
    const names = Object.keys(type.enum().values).join(", ");
    throw new TypeError(
      `validate: oneOf of "${field.name}" names a value ${type.enum().name} does not have; it has ${names}`,
    );
  }
  return (value) => numbers.has(value as number);
}

function declared({ type }: Field): (value: number) => boolean {
  const numbers = new Set(type.kind === "enum" ? Object.values(type.enum().values) : []);
  return (value) => numbers.has(value);
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}
