import type { JsonSchema } from "./schema.ts";

/** An option nobody reads: where it stands, and which names the schema knows there. */
export interface UnknownOption {
  readonly path: readonly (string | number)[];
  readonly name: string;
  readonly known: readonly string[];
}

/**
 * Finds the options a JSON Schema does not know. A schema that leaves additional properties open on purpose is believed; one
 * that says nothing about them (many vendors then drop them silently) is taken as closed.
 */
export function unknownOptions(
  schema: unknown,
  value: unknown,
  path: readonly (string | number)[] = [],
): UnknownOption[] {
  if (!isRecord(schema)) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => unknownOptions(schema.items, item, [...path, index]));
  const properties = schema.properties;
  if (!isRecord(value) || !isRecord(properties)) return [];
  return Object.entries(value).flatMap(([name, part]) => {
    if (Object.hasOwn(properties, name)) return unknownOptions(properties[name], part, [...path, name]);
    return isOpen(schema) ? [] : [{ path, name, known: Object.keys(properties) }];
  });
}

/** The names a schema knows at one place, for hints. */
export function knownOptions(schema: JsonSchema | undefined, path: readonly (string | number)[]): readonly string[] {
  let place: unknown = schema;
  for (const step of path) place = isRecord(place) ? property(place, step) : undefined;
  return isRecord(place) && isRecord(place.properties) ? Object.keys(place.properties) : [];
}

function property(schema: JsonSchema, step: string | number): unknown {
  if (typeof step === "number") return schema.items;
  return isRecord(schema.properties) ? schema.properties[step] : undefined;
}

function isOpen({ additionalProperties, patternProperties, allOf }: JsonSchema): boolean {
  return (additionalProperties ?? false) !== false || patternProperties !== undefined || allOf !== undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
