import {
  type Call,
  definePlugin,
  type Instance,
  policyFields,
  type Random,
  type Router,
  router,
} from "@mortise/kernel";
import { type Keep, narrowing } from "@mortise/kernel/spi/narrowing";
import { z } from "zod";
import { bucketOf } from "./bucket.ts";

const canarySchema = z
  .strictObject({
    version: z.string().describe("Version of the instances that are tried out"),
    percent: z.number().min(0).max(100).describe("Share of calls they get"),
    stickyOn: z
      .array(z.string())
      .default([])
      .describe(
        "What calls belong together by: `tenant`, `caller`, `baggage.<name>` or a field of the request; none: each call by itself",
      ),
  })
  .optional();

export const canaryFields = policyFields({ canary: canarySchema });

/** Sends a share of the calls to the instances of one version. While one side has no instance the other takes all. */
export function canaryRouter(random: Random): Router {
  return {
    route(site) {
      const { canary } = canaryFields.of(site);
      if (!canary) return undefined;
      const narrow = narrowing<boolean>();
      const keep: Keep<boolean> = (candidates, chosen) => side(candidates, canary.version, chosen);
      return (candidates, call) => narrow(candidates, draw(call, canary.stickyOn, random) < canary.percent, keep);
    },
  };
}

function side(candidates: readonly Instance[], version: string, chosen: boolean): readonly Instance[] {
  const kept = candidates.filter((instance) => (instance.version === version) === chosen);
  return kept.length > 0 ? kept : candidates;
}

/** A number from 0 to 100, exclusive: the same for calls that belong together. */
function draw(call: Call, stickyOn: readonly string[], random: Random): number {
  const key = stickyOn.map((part) => partOf(call, part));
  return key.every((value) => value === "") ? random() * 100 : bucketOf(key.join("\u0000"));
}

function partOf({ context, request }: Call, part: string): string {
  if (part === "tenant") return context.tenant ?? "";
  if (part === "caller") return context.caller?.name ?? "";
  if (part.startsWith("baggage.")) return context.baggage[part.slice("baggage.".length)] ?? "";
  const value = (request as Readonly<Record<string, unknown>> | undefined)?.[part];
  return value === undefined || value === null ? "" : String(value);
}

export const canary = definePlugin({
  spi: router,
  name: "canary",
  description: "Sends a share of the calls to a new version",
  policy: canaryFields.schemas,
  activate: { order: 160 },
  setup: ({ ports }) => ({ api: canaryRouter(ports.random) }),
});
