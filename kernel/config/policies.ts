import { z } from "zod";
import type { Catalogue } from "../core/catalogue.ts";
import type { CoreConfig, Problem } from "../core/config.ts";
import { nameOf, spiOf } from "../core/definitions.ts";
import { suggestion } from "../core/nearest.ts";
import type { Plugin } from "../core/plugin.ts";
import { locationOf } from "../core/problems.ts";
import type { Schema } from "../core/schema.ts";
import type { PolicyTable } from "../runtime/policy.ts";
import { chosenSpis, knownNames } from "./chosen.ts";
import type { ConfigCode } from "./codes.ts";
import { checkTarget, knownContracts } from "./policy-targets.ts";

/** The policy fields every method has, besides the choices of plugins. */
export const basicFields = {
  timeoutMs: z
    .number()
    .min(0)
    .describe("How long a call may take when its caller sets no deadline, in milliseconds; 0: as long as it likes"),
  retries: z.int().min(0).describe("Further attempts after the first, for methods that may be repeated"),
} as const;

/** What is wrong with the policies, and what in them has no effect. */
export interface PoliciesChecked {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** What policies are checked against. */
export interface PolicyBackground {
  /** Plugins that serve or may join. */
  readonly used: readonly Plugin[];
  /** Services of the app that run in other processes. */
  readonly elsewhere?: readonly Plugin[];
  /** All plugins that could be used, as far as they are loaded. */
  readonly installed: readonly Plugin[];
  readonly catalogue: Catalogue;
  readonly config: CoreConfig;
}

/** Checks every policy: its target, and of every field the name, the value, and whether a plugin in use reads it. */
export function checkPolicies(policies: PolicyTable, background: PolicyBackground): PoliciesChecked {
  const contracts = knownContracts([...background.used, ...(background.elsewhere ?? [])]);
  const found = Object.entries(policies).flatMap(([target, fields]) => [
    ...checkTarget(target, contracts),
    ...Object.entries(fields).flatMap(([field, value]) => checkField({ target, field, value }, background)),
  ]);
  const located = found.map((problem) => ({
    ...problem,
    location: locationOf(background.config.locate, problem.path),
  }));
  const isWarning = ({ code }: Problem) => code === "POLICY_UNUSED";
  return { problems: located.filter((one) => !isWarning(one)), warnings: located.filter(isWarning) };
}

interface FieldUse {
  readonly target: string;
  readonly field: string;
  readonly value: unknown;
}

function checkField(use: FieldUse, background: PolicyBackground): Problem[] {
  const { target, field, value } = use;
  const path = ["policies", target, field];
  const problem = (code: ConfigCode, what: string) => [{ code, message: `policy for ${target}: ${what}`, path }];
  if (chosenSpis.some(({ id }) => id === field)) {
    const wrong = wrongChoice(field, value, background);
    return wrong === undefined ? [] : problem("POLICY_INVALID", wrong);
  }
  const schemas = schemasOf(field, background.used);
  if (schemas.length > 0) {
    return schemas.flatMap((schema) =>
      faults(schema, value).flatMap((fault) => problem("POLICY_INVALID", `${field}: ${fault}`)),
    );
  }
  const readers = background.installed.filter(({ policy }) => Object.hasOwn(policy, field)).map(({ id }) => id);
  if (readers.length > 0) return problem("POLICY_UNUSED", `${field} has no effect: ${noneOf(readers)} selected.`);
  return problem("POLICY_UNKNOWN", `unknown field "${field}".${suggestion(field, fieldNames(background))}`);
}

function noneOf(plugins: readonly string[]): string {
  return plugins.length === 1 ? `${plugins[0]} is not` : `none of ${plugins.join(", ")} is`;
}

function schemasOf(field: string, plugins: readonly Plugin[]): Schema[] {
  const basic = Object.entries(basicFields).flatMap(([name, schema]) => (name === field ? [schema as Schema] : []));
  return [
    ...basic,
    ...plugins.flatMap(({ policy }) => (Object.hasOwn(policy, field) ? [policy[field] as Schema] : [])),
  ];
}

function faults(schema: Schema, value: unknown): string[] {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) return ["its schema answers asynchronously; policies are checked at once"];
  return (result.issues ?? []).map(({ message, path = [] }) => {
    const inner = path.map((step) => String(typeof step === "object" ? step.key : step)).join(".");
    return inner ? `${inner}: ${message}` : message;
  });
}

function wrongChoice(spi: string, value: unknown, { catalogue, config }: PolicyBackground): string | undefined {
  if (typeof value !== "string") return `${spi} takes the name of a plugin.`;
  if (knownNames(spi, config.use).has(value)) return undefined;
  const installed = catalogue.filter(({ id }) => spiOf(id) === spi).map(({ id }) => nameOf(id));
  return `${spi} "${value}" is not a plugin of this SPI.${suggestion(value, installed)}`;
}

function fieldNames({ used, installed }: PolicyBackground): string[] {
  const plugins = [...used, ...installed];
  return [
    ...Object.keys(basicFields),
    ...chosenSpis.map(({ id }) => id),
    ...plugins.flatMap(({ policy }) => Object.keys(policy)),
  ];
}
