import { z } from "zod";
import { definePlugin } from "../../core/plugin.ts";
import { type Policies, policies } from "../../spi/policies.ts";
import { policyBook } from "../policy.ts";
import { isPolicyTarget } from "../policy-target.ts";

const targetAdvice = 'a target is "*", a service, a pattern such as shop.* or <service>/<method>';

const options = z.strictObject({
  app: z.string().default("app").describe("The name of the app this process runs."),
  table: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .superRefine((table, context) => {
      for (const target of Object.keys(table).filter((key) => !isPolicyTarget(key)))
        context.addIssue({ code: "custom", path: [target], message: targetAdvice });
    })
    .default({})
    .describe("Policy fields by target: *, shop.*, shop.order.v1.Orders, shop.order.v1.Orders/place."),
});

export type ConfiguredPoliciesOptions = z.output<typeof options>;

/** Policies as the configuration has them. */
export function configuredPolicies({ app, table }: ConfiguredPoliciesOptions): Policies {
  const book = policyBook(table);
  return { app, of: (method, defaults) => book.of(method, defaults) };
}

export const policiesConfig = definePlugin({
  spi: policies,
  name: "config",
  description: "Policies as the configuration has them",
  options,
  setup: ({ options }) => ({ api: configuredPolicies(options) }),
});
