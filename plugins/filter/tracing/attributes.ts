import type { AttributeValue, CallSite, Instance, Method, SpanKind } from "@mortise/kernel";

/** What every span of one site has in common. */
export interface SpanShape {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/**
 * Names and attributes by the semantic conventions 1.45: those of RPC (stable) for calls, those of messaging (still
 * experimental) for events. `rpc.status_code` and `error.type` follow from a span's code and are added by exporters.
 */
export function spanShape({ method, place }: CallSite): SpanShape {
  const provides = place === "provider";
  if (method.kind === "event") return eventShape(method, provides);
  return {
    name: method.path,
    kind: provides ? "server" : "client",
    attributes: Object.freeze({ "rpc.method": method.path }),
  };
}

function eventShape(method: Method, provides: boolean): SpanShape {
  const topic = `${method.service}.${method.name}`;
  const operation = provides ? "process" : "send";
  return {
    name: `${operation} ${topic}`,
    kind: provides ? "consumer" : "producer",
    attributes: Object.freeze({
      "messaging.destination.name": topic,
      "messaging.operation.name": operation,
      "messaging.operation.type": operation,
    }),
  };
}

type Attributes = SpanShape["attributes"];

/** Gives the attributes of calls that go to an instance: what it speaks and where it listens besides those given. Kept per instance. */
export function peerAttributes(attributes: Attributes): (instance: Instance) => Attributes {
  const known = new WeakMap<Instance, Attributes>();
  return (instance) => {
    const before = known.get(instance);
    if (before) return before;
    const all = Object.freeze({ ...attributes, ...peerOf(instance) });
    known.set(instance, all);
    return all;
  };
}

function peerOf({ address, protocol }: Instance): Attributes {
  const [, host = address, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(address) ?? [];
  return {
    "rpc.system.name": protocol,
    "server.address": host,
    ...(port !== undefined && { "server.port": Number(port) }),
  };
}
