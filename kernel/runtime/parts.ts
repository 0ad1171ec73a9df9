import type { Wrap } from "../call/call.ts";
import type { CallSite, Place } from "../call/site.ts";
import { StatusError } from "../call/status.ts";
import type { Method } from "../contract/types.ts";
import { suggestion } from "../core/nearest.ts";
import type { Filter } from "../spi/filter.ts";
import type { Policies, PolicyDefaults } from "../spi/policies.ts";
import type { Protocol } from "../spi/protocol.ts";
import type { Basis } from "./lease.ts";

/** Plugins of one SPI by what the configuration calls them; the first is the default. */
export type Named<T> = ReadonlyMap<string, T>;

/** What policies choose from. */
export interface Choices {
  readonly protocols: Named<Protocol>;
  readonly serializers: Named<unknown>;
  readonly balancers: Named<unknown>;
  readonly clusters: Named<unknown>;
}

/** What holds for a method where no policy chooses: the first of each; of protocols, the first that can carry the method. */
export function defaultsFor(method: Method, { protocols, serializers, balancers, clusters }: Choices): PolicyDefaults {
  const carrying = [...protocols].find(([, { kinds }]) => kinds.includes(method.kind))?.[0];
  return {
    protocol: carrying ?? firstName(protocols),
    serializer: firstName(serializers),
    loadbalancer: firstName(balancers),
    cluster: firstName(clusters),
  };
}

/** What the configuration says about a method now. */
export function basisFor(method: Method, parts: Choices & { readonly policies: Policies }, handler?: unknown): Basis {
  const { app } = parts.policies;
  return { app, effective: parts.policies.of(method, defaultsFor(method, parts)), handler };
}

/** The plugin a policy names. Throws a FAILED_PRECONDITION that says what to select if it is not there. */
export function chosen<T>(spi: string, name: string, all: Named<T>, method: Method): T {
  const plugin = all.get(name);
  if (plugin !== undefined) return plugin;
  const what = name === "" ? `no ${spi} is selected` : `its policy names ${spi} "${name}", which is not selected`;
  throw new StatusError(
    "FAILED_PRECONDITION",
    `${method.path} cannot be called: ${what}. Select it under use: { ${spi}: … }.${name && suggestion(name, all.keys())}`,
    { reason: "PLUGIN_NOT_SELECTED", details: { spi, name } },
  );
}

/** The filters that have something to do at one place of a method. */
export function wrapsAt(place: Place, site: CallSite, filters: Named<Filter>): Wrap[] {
  return [...filters.values()].flatMap((filter) => filter.wrap({ ...site, place }) ?? []);
}

function firstName(all: Named<unknown>): string {
  return all.keys().next().value ?? "";
}
