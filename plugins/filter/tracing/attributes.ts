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

/** Where an instance listens: `server.address` and `server.port`, and what it speaks there. */
export function peerOf(instance: Instance): readonly (readonly [name: string, value: AttributeValue])[] {
  const known = peers.get(instance);
  if (known) return known;
  const { address, protocol } = instance;
  const [, host = address, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(address) ?? [];
  const peer: [string, AttributeValue][] = [
    ["rpc.system.name", protocol],
    ["server.address", host],
  ];
  if (port !== undefined) peer.push(["server.port", Number(port)]);
  peers.set(instance, peer);
  return peer;
}

const peers = new WeakMap<Instance, ReturnType<typeof peerOf>>();
