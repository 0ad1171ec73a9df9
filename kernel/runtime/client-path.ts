import { chain, type Invoker } from "../call/call.ts";
import type { CallSite } from "../call/site.ts";
import { StatusError } from "../call/status.ts";
import type { Method } from "../contract/types.ts";
import type { Ports } from "../core/ports.ts";
import type { Cluster, Group } from "../spi/cluster.ts";
import type { Directory, ServiceView } from "../spi/directory.ts";
import type { Filter } from "../spi/filter.ts";
import type { LoadBalancer } from "../spi/loadbalancer.ts";
import type { EffectivePolicy, Policies } from "../spi/policies.ts";
import type { Protocol } from "../spi/protocol.ts";
import type { Router } from "../spi/router.ts";
import type { Serializer } from "../spi/serializer.ts";
import { attempts } from "./attempt.ts";
import { candidatesOf } from "./candidates.ts";
import type { Connections } from "./connections.ts";
import type { Basis } from "./lease.ts";
import { chosen, type Named, wrapsAt } from "./parts.ts";

/** What the paths of one generation are made of. */
export interface ClientParts {
  readonly policies: Policies;
  readonly directory: Directory;
  readonly filters: Named<Filter>;
  readonly routers: Named<Router>;
  readonly clusters: Named<Cluster>;
  readonly balancers: Named<LoadBalancer>;
  readonly protocols: Named<Protocol>;
  readonly serializers: Named<Serializer>;
}

export interface ClientPathSetup {
  readonly ports: Ports;
  readonly connections: (view: ServiceView) => Connections;
  readonly waitMs: number;
}

/**
 * Compiles the way of the calls of one method: call filters, cluster, candidates, balancer, attempt filters, protocol. Throws a
 * StatusError when the policy names something that is not selected.
 */
export function compileClient(
  method: Method,
  { app, effective }: Basis,
  parts: ClientParts,
  setup: ClientPathSetup,
): Invoker {
  const { policy } = effective;
  const site: CallSite = { place: "call", method, app, policy };
  const view = parts.directory.view(method.service);
  const protocols = protocolsFor(method, effective, parts);
  const routes = [...parts.routers.values()].flatMap((router) => router.route(site) ?? []);
  const group: Group = {
    candidates: candidatesOf({ method, view, protocols, routes, waitMs: setup.waitMs, ports: setup.ports }),
    attempt: attempts({ site, view, protocols, parts, ports: setup.ports, connections: setup.connections(view) }),
  };
  const cluster = chosen("cluster", policy.cluster, parts.clusters, method);
  return chain(wrapsAt("call", site, parts.filters), cluster.invoker(site, group));
}

/**
 * The protocols a call may take, best first. A policy that names one means that one; otherwise every protocol that can carry
 * the call may serve where those before it reach nobody.
 */
export function protocolsFor(
  method: Method,
  { policy, sources }: EffectivePolicy,
  { protocols }: Pick<ClientParts, "protocols">,
): Named<Protocol> {
  const first = chosen("protocol", policy.protocol, protocols, method);
  if (!first.kinds.includes(method.kind)) {
    throw new StatusError(
      "UNIMPLEMENTED",
      `protocol "${policy.protocol}" carries no ${method.kind} calls such as ${method.path}; choose another for it`,
      { reason: "KIND_NOT_CARRIED" },
    );
  }
  if (sources.protocol !== undefined) return new Map([[policy.protocol, first]]);
  return new Map([...protocols].filter(([, { kinds }]) => kinds.includes(method.kind)));
}
