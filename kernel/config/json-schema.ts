import { nameOf } from "../core/definitions.ts";
import type { Plugin } from "../core/plugin.ts";
import { type JsonSchema, jsonSchemaOf, type Schema } from "../core/schema.ts";
import type { SpiKind } from "../core/spi.ts";
import { transactionFields } from "../runtime/transaction-policy.ts";
import { chosenSpis } from "./chosen.ts";
import { basicFields } from "./policies.ts";
import { patterns } from "./references.ts";

/**
 * The JSON Schema of an app file, for editors: names, options and policy fields of these plugins, with descriptions. It takes
 * overlays as well, so nothing is required and everything may be `null`; and `${…}` may stand for any value.
 */
export function configSchema(plugins: readonly Plugin[]): JsonSchema {
  const sorted = plugins.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A Mortise app",
    type: "object",
    additionalProperties: false,
    patternProperties: { "^x-": {} },
    properties: {
      app: {
        type: "string",
        description: "The name of the app, in kebab-case",
        pattern: `${patterns.name.source}|\\$\\{`,
      },
      use: useSchema(sorted),
      options: optionsSchema(sorted),
      services: references("Services that run in this process: names (user is user/user.ts), or paths by name"),
      plugins: references("Plugins in files: paths, or paths by plugin id"),
      policies,
      transactions: transactionsSchema(sorted),
    },
    definitions: { ...nameDefinitions(sorted), policy: policySchema(sorted), ...optionDefinitions(sorted) },
  };
}

function references(description: string): JsonSchema {
  const paths = { type: "object", additionalProperties: { type: ["string", "null"] } };
  return { description, anyOf: [{ type: "array", items: { type: "string" } }, paths, { type: "null" }] };
}

/** Plugins of each SPI but services, which are not written under `use`. */
function bySpi(plugins: readonly Plugin[]): ReadonlyMap<string, readonly Plugin[]> {
  const listed = plugins.filter(({ spi }) => spi.id !== "service");
  return Map.groupBy(listed, ({ spi }) => spi.id);
}

function useSchema(plugins: readonly Plugin[]): JsonSchema {
  const properties = [...bySpi(plugins).keys()].map((spi) => [spi, namesSchema(`#/definitions/${spi}`)]);
  return {
    description: "Which plugins serve, by extension point",
    type: ["object", "null"],
    properties: Object.fromEntries(properties),
    additionalProperties: namesSchema("#/definitions/name"),
  };
}

function namesSchema($ref: string): JsonSchema {
  const name = { $ref };
  const byAlias = { type: "object", additionalProperties: name };
  return { anyOf: [name, { type: "array", items: name }, byAlias, { type: "null" }] };
}

/** What stands for one plugin of an SPI, by SPI. */
function nameDefinitions(plugins: readonly Plugin[]): JsonSchema {
  const known = [...bySpi(plugins)].map(([spi, own]) => [spi, nameDefinition(own[0]?.spi.kind ?? "named", own)]);
  return { ...Object.fromEntries(known), name: { type: "string" } };
}

function nameDefinition(kind: SpiKind, plugins: readonly Plugin[]): JsonSchema {
  const names = plugins.map(({ id, description }) => ({ const: nameOf(id), description }));
  const words = [
    { const: "default", description: "All that join by themselves" },
    { type: "string", pattern: "^-" },
  ];
  return { anyOf: [...names, ...(kind === "chain" ? words : []), variable] };
}

function optionsSchema(plugins: readonly Plugin[]): JsonSchema {
  const known = plugins.map(({ id }) => [id, { $ref: `#/definitions/${optionsName(id)}` }] as const);
  const seconds = known.map(([id, schema]) => [`^${id}#`, schema] as const);
  return {
    description: "Options by plugin, or by `<spi>/<name>#<alias>` for its second use",
    type: ["object", "null"],
    properties: Object.fromEntries(known),
    patternProperties: Object.fromEntries(seconds),
  };
}

/** The options of each plugin. */
function optionDefinitions(plugins: readonly Plugin[]): JsonSchema {
  const known = plugins.map(({ id, options, description }) => {
    return [optionsName(id), { description, ...inputSchema(options) }] as const;
  });
  return Object.fromEntries(known);
}

/** A slash would have to be escaped in a reference. */
function optionsName(id: string): string {
  return `options.${id.replace("/", ".")}`;
}

function policySchema(plugins: readonly Plugin[]): JsonSchema {
  const installed = bySpi(plugins);
  const choices = chosenSpis.map(({ id }) => {
    const $ref = `#/definitions/${installed.has(id) ? id : "name"}`;
    return [id, { description: `The ${id} plugin for these calls`, anyOf: [{ $ref }, { type: "null" }] }] as const;
  });
  const fields = [...Object.entries(basicFields), ...plugins.flatMap(({ policy }) => Object.entries(policy))];
  const properties = fields.map(([name, schema]) => [name, inputSchema(schema as Schema)] as const);
  return { type: ["object", "null"], properties: Object.fromEntries([...choices, ...properties]) };
}

const policies: JsonSchema = {
  description: "What applies to calls; the most specific wins: service/method, service, shop.*, *",
  type: ["object", "null"],
  additionalProperties: { $ref: "#/definitions/policy" },
};

/** What is said of transactions; strategies are the plugins of their SPI. */
function transactionsSchema(plugins: readonly Plugin[]): JsonSchema {
  const installed = plugins.some(({ spi }) => spi.id === "transaction");
  const { description } = transactionFields.strategy;
  const strategy = {
    description,
    anyOf: [{ $ref: `#/definitions/${installed ? "transaction" : "name"}` }, { type: "null" }],
  };
  const fields = Object.entries(transactionFields).map(([name, schema]) => [name, inputSchema(schema as Schema)]);
  return {
    description: "Which strategy drives each transaction, by its name, or * for all that say nothing themselves",
    type: ["object", "null"],
    additionalProperties: {
      type: ["object", "null"],
      properties: { ...Object.fromEntries(fields), strategy },
      additionalProperties: false,
    },
  };
}

const variable = { type: "string", pattern: "\\$\\{" };

/** What a schema takes in, as far as its vendor can tell; nothing for a plugin without options. */
function inputSchema(schema: Schema | undefined): JsonSchema {
  if (!schema) return { type: ["object", "null"], additionalProperties: false };
  return lenient(jsonSchemaOf(schema) ?? {}) as JsonSchema;
}

/** Lets `null` and `${…}` stand in for every value that is not text anyway, and requires nothing. */
function lenient(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lenient);
  if (typeof schema !== "object" || schema === null) return schema;
  const { $schema: _, required: __, ...rest } = schema as Readonly<Record<string, unknown>>;
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, inside(key, value)]));
  const { description, default: fallback, ...bare } = inner;
  const told = {
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
  };
  if (isLeaf(bare)) return { ...told, anyOf: [bare, variable, { type: "null" }] };
  return typeof inner.type === "string" ? { ...inner, type: [inner.type, "null"] } : inner;
}

/** Maps of schemas and single schemas are descended into; data is left alone. */
function inside(key: string, value: unknown): unknown {
  if (["properties", "patternProperties", "$defs", "definitions"].includes(key)) {
    return Object.fromEntries(Object.entries(value as object).map(([name, schema]) => [name, lenient(schema)]));
  }
  const schemas = ["items", "prefixItems", "additionalProperties", "propertyNames", "anyOf", "oneOf", "allOf", "not"];
  return schemas.includes(key) ? lenient(value) : value;
}

function isLeaf({ type, enum: values, const: value }: Readonly<Record<string, unknown>>): boolean {
  return values !== undefined || value !== undefined || ["number", "integer", "boolean"].includes(String(type));
}
