import {
  type Call,
  type CallSite,
  definePlugin,
  type Instance,
  policyFields,
  type Route,
  type Router,
  router,
} from "@mortise/kernel";
import { narrowing } from "@mortise/kernel/spi/narrowing";
import { z } from "zod";
import { holds, type Parameters, parseRule, type Rule } from "./rule.ts";

const rule = z.string().superRefine((text, context) => {
  try {
    parseRule(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

export const conditionFields = policyFields({
  conditions: z
    .array(rule)
    .default([])
    .describe("Rules such as `method=getStock => zone=hangzhou`; the first that fits a call decides"),
  conditionForce: z
    .boolean()
    .default(false)
    .describe("Refuse a call when its rule leaves no instance, instead of passing all on"),
});

/** Dubbo's condition routing. A rule without a right side refuses its calls whatever `conditionForce` says. */
export const conditionRouter: Router = {
  route(site): Route | undefined {
    const { conditions, conditionForce } = conditionFields.of(site);
    if (conditions.length === 0) return undefined;
    const rules = conditions.map(parseRule);
    const references = namesReferredTo(rules);
    const narrow = narrowing<string>();
    return (candidates, call) => {
      const caller = callParameters(site, call);
      const index = rules.findIndex(({ calls }) => holds(calls, caller, caller));
      const rule = rules[index];
      if (!rule) return candidates;
      const key = JSON.stringify([index, ...references.map((name) => caller(name) ?? null)]);
      return narrow(candidates, key, () => kept(candidates, rule, caller, conditionForce));
    };
  },
};

function kept(
  candidates: readonly Instance[],
  { instances }: Rule,
  caller: Parameters,
  force: boolean,
): readonly Instance[] {
  if (!instances) return [];
  const fitting = candidates.filter((instance) => holds(instances, instanceParameters(instance), caller));
  return fitting.length > 0 || force ? fitting : candidates;
}

/** The caller's parameters that right sides refer to with `$`: what a decision depends on beside the rule. */
function namesReferredTo(rules: readonly Rule[]): readonly string[] {
  const values = rules.flatMap(({ instances }) => instances ?? []).flatMap((condition) => condition.values);
  return [...new Set(values.filter((value) => value.startsWith("$")).map((value) => value.slice(1)))];
}

/** What a left side can ask: `method`, `service`, `app`, `tenant`, `caller`, `baggage[x]`, `headers[x]`, `request[field]`. */
function callParameters({ method, app }: CallSite, { context, request }: Call): Parameters {
  return (name) => {
    const [, group, key = ""] = /^(\w+)\[(.+)\]$/.exec(name) ?? [];
    if (group === "baggage" || group === "attachments") return context.baggage[key];
    if (group === "headers") return context.outgoing.get(key);
    if (group === "request" || group === "arguments")
      return textOf((request as Readonly<Record<string, unknown>> | undefined)?.[key]);
    if (name === "method") return method.name;
    if (name === "service" || name === "interface") return method.service;
    if (name === "app" || name === "application") return app;
    if (name === "tenant") return context.tenant;
    return name === "caller" ? context.caller?.name : undefined;
  };
}

/** What a right side can ask: `address`, `host`, `port`, `zone`, `version`, `protocol`, `id`, and any tag by its name or as `tags[x]`. */
function instanceParameters(instance: Instance): Parameters {
  return (name) => {
    const tag = /^tags\[(.+)\]$/.exec(name)?.[1];
    if (tag !== undefined) return instance.tags[tag];
    const at = instance.address.lastIndexOf(":");
    if (name === "host") return instance.address.slice(0, at);
    if (name === "port") return instance.address.slice(at + 1);
    if (name === "address" || name === "zone" || name === "version" || name === "protocol" || name === "id")
      return instance[name];
    return instance.tags[name];
  };
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null || typeof value === "object" ? undefined : String(value);
}

export const condition = definePlugin({
  spi: router,
  name: "condition",
  description: "Sends calls that fit a rule to instances that fit it",
  policy: conditionFields.schemas,
  activate: { order: 140 }, // Dubbo's
  setup: () => ({ api: conditionRouter }),
});
