import { definePlugin, type Instance, policyFields, type Router, router } from "@mortise/kernel";
import { type Keep, narrowing } from "@mortise/kernel/spi/narrowing";
import { z } from "zod";

/** The tag that names the tenants an instance is for, separated by commas. */
const tenantName = "tenant";

export const tenantFields = policyFields({
  tenantForce: z.boolean().default(false).describe("Refuse a call of a tenant that has no instance of its own"),
});

/** Sends a tenant with instances of its own there, and everybody else to the shared ones. */
export const tenantRouter: Router = {
  route(site) {
    const { tenantForce } = tenantFields.of(site);
    const narrow = narrowing<string>();
    const keep: Keep<string> = (candidates, tenant) => {
      const own = candidates.filter((instance) => tenantsOf(instance).includes(tenant));
      if (own.length > 0 || (tenantForce && tenant !== "")) return own;
      return candidates.filter((instance) => tenantsOf(instance).length === 0);
    };
    return (candidates, call) => narrow(candidates, call.context.tenant ?? "", keep);
  },
};

function tenantsOf({ tags }: Instance): readonly string[] {
  const tenants = tags[tenantName] ?? "";
  return tenants === "" ? [] : tenants.split(",").map((tenant) => tenant.trim());
}

export const tenant = definePlugin({
  spi: router,
  name: "tenant",
  description: "Keeps tenants with instances of their own on those",
  policy: tenantFields.schemas,
  setup: () => ({ api: tenantRouter }),
});
