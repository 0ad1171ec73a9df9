import { type Call, chain, type Invoker, type Reply } from "../call/call.ts";
import { asStatusError } from "../call/outcome.ts";
import type { CallSite } from "../call/site.ts";
import { codeOf, StatusError } from "../call/status.ts";
import { watchStream } from "../call/stream.ts";
import type { Ports } from "../core/ports.ts";
import type { Group } from "../spi/cluster.ts";
import type { ServiceView } from "../spi/directory.ts";
import type { Filter } from "../spi/filter.ts";
import type { Instance } from "../spi/instance.ts";
import type { LoadBalancer, Picked } from "../spi/loadbalancer.ts";
import type { Protocol } from "../spi/protocol.ts";
import type { Serializer } from "../spi/serializer.ts";
import type { Connections } from "./connections.ts";
import { chosen, type Named, wrapsAt } from "./parts.ts";
import { saysGone, serviceGone } from "./service-gone.ts";
import { maybeSticky } from "./sticky.ts";

/** What attempts of one method are made of. */
export interface AttemptSetup {
  readonly site: CallSite;
  readonly view: ServiceView;
  /** Protocols that may carry the call. */
  readonly protocols: Named<Protocol>;
  readonly parts: {
    readonly filters: Named<Filter>;
    readonly balancers: Named<LoadBalancer>;
    readonly serializers: Named<Serializer>;
  };
  readonly connections: Connections;
  readonly ports: Ports;
}

/** One attempt: picks an instance, goes there through the attempt filters, and tells the balancer how it went. */
export function attempts(setup: AttemptSetup): Group["attempt"] {
  const { site, view, parts, ports } = setup;
  const { method, policy } = site;
  const { clock } = ports;
  const balancer = chosen("loadbalancer", policy.loadbalancer, parts.balancers, method);
  const picker = maybeSticky(balancer.picker(site), site, view);
  const { asks } = picker;
  const ways = waysTo(setup);
  const end: Invoker = (call) => ways(call.instance as Instance)(call);
  const through = chain(wrapsAt("attempt", site, parts.filters), end);
  const streams = method.kind === "server-stream" || method.kind === "bidi-stream";

  function succeeded(reply: Reply, picked: Picked, started: number): Reply {
    const { trailers } = reply;
    const done = (error: unknown) => picked.done({ tookMs: clock.now() - started, code: codeOf(error), trailers });
    if (streams) return watched(reply, done);
    done(undefined);
    return reply;
  }

  function failed(given: StatusError, picked: Picked, started: number): never {
    const { instance } = picked;
    const { code, neverSent } = given;
    if (neverSent || code === "UNIMPLEMENTED" || saysGone(given, method)) view.unreachable(instance); // it is not what we took it for
    const error = asNoLonger(given, instance, setup);
    picked.done({ tookMs: clock.now() - started, code: error.code });
    throw error;
  }

  return ({ request, context: given }, candidates, onPick) => {
    const context = asks === undefined ? given : given.with({ metadata: asks });
    const picked = picker.pick(candidates, { method, request, context });
    const { instance } = picked;
    onPick?.(instance);
    const started = clock.now();
    return going(through, { method, request, context, instance }).then(
      (reply) => succeeded(reply, picked, started),
      (error: unknown) => failed(asStatusError(error), picked, started),
    );
  };
}

/** Who does not know the method and was only kept for want of better knowledge is somebody else now: the service is away. */
function asNoLonger(error: StatusError, { address }: Instance, { site: { method }, view }: AttemptSetup): StatusError {
  if (error.code !== "UNIMPLEMENTED" || error.neverSent || error.reason !== undefined) return error;
  if (view.instances.some((one) => one.address === address)) return error;
  return serviceGone(method, `${method.service} is not served at ${address} any more: ${error.message}`);
}

/** A filter or protocol that throws instead of rejecting is as good as one that rejects. */
export function going(invoke: Invoker, call: Call): Promise<Reply> {
  try {
    return invoke(call);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The same reply; `end` is told when its stream is over. */
export function watched(reply: Reply, end: (error: unknown) => void): Reply {
  const source = reply.response as AsyncIterable<unknown>;
  const response = watchStream(source, end);
  return response === source ? reply : { ...reply, response };
}

/** The way to each instance, made when it is first taken. */
function waysTo({
  site,
  protocols,
  parts: { serializers },
  connections,
}: AttemptSetup): (instance: Instance) => Invoker {
  const { method, policy } = site;
  const ways = new WeakMap<Instance, Invoker>();
  chosen("serializer", policy.serializer, serializers, method); // told when the path is compiled, not at its first call
  return (instance) => {
    const known = ways.get(instance);
    if (known) return known;
    const protocol = chosen("protocol", instance.protocol, protocols, method);
    const way = connections
      .to(instance, protocol)
      .invoker(method, serializerFor(instance, policy.serializer, serializers));
    ways.set(instance, way);
    return way;
  };
}

/** The policy's serializer if the instance understands it, else the instance's best among ours. */
function serializerFor(instance: Instance, preferred: string, ours: Named<Serializer>): Serializer {
  const name = [preferred, ...instance.serializers].find((one) => instance.serializers.includes(one) && ours.has(one));
  const found = name === undefined ? undefined : ours.get(name);
  if (found) return found;
  const theirs = instance.serializers.join(", ");
  throw new StatusError(
    "FAILED_PRECONDITION",
    `${instance.service} at ${instance.address} understands ${theirs}, and none of these is selected here; add one under use: { serializer: … }`,
    { reason: "NO_COMMON_SERIALIZER", neverSent: true },
  );
}
