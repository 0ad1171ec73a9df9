import type { Instance } from "./instance.ts";

/** An instance as registries write it down. */
export function writeInstance(instance: Instance): string {
  return JSON.stringify(instance);
}

/** Reads what {@link writeInstance} wrote, by whatever version. Throws an Error that says what is missing. */
export function readInstance(text: string): Instance {
  const json: unknown = JSON.parse(text);
  if (typeof json !== "object" || json === null) throw new Error("an instance is an object");
  const given = json as Readonly<Record<string, unknown>>;
  const need = (name: string) => {
    const value = given[name];
    if (typeof value !== "string" || value === "") throw new Error(`an instance needs ${name}`);
    return value;
  };
  const textOf = (name: string) => (typeof given[name] === "string" ? (given[name] as string) : "");
  const number = (name: string, fallback: number) =>
    typeof given[name] === "number" ? (given[name] as number) : fallback;
  return Object.freeze({
    id: need("id"),
    service: need("service"),
    address: need("address"),
    protocol: need("protocol"),
    serializers: Object.freeze(Array.isArray(given.serializers) ? given.serializers.map(String) : ["protobuf"]),
    weight: number("weight", 100),
    zone: textOf("zone"),
    version: textOf("version"),
    tags: Object.freeze({ ...(given.tags as Record<string, string> | undefined) }),
    startedAt: number("startedAt", 0),
  });
}
