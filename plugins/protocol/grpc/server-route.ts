import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import {
  answered,
  type Codec,
  type Exposure,
  type InFlight,
  type Invoker,
  type Log,
  type Method,
  type Ports,
  type Serializer,
  type ServedMethod,
} from "@mortise/kernel";

/** How the messages of one method are read and written with one serializer. */
export interface Codecs {
  readonly input: Codec<unknown>;
  readonly output: Codec<unknown>;
}

/** A method as the server offers it. */
export interface ServerRoute {
  readonly method: Method;
  readonly invoke: Invoker;
  /** By subtype. */
  readonly codecs: ReadonlyMap<string, Codecs>;
  /** The calls of it that are under way, among others. */
  readonly inFlight: InFlight;
}

/** What all calls of a listener share. */
export interface ServerHost {
  readonly ports: Ports;
  readonly log: Log;
  readonly maxMessageBytes: number;
  /** Whether callers show certificates. */
  readonly mutual: boolean;
}

/** A call as the lowest public layer of grpc-js gives it. */
export type IncomingCall = ServerInterceptingCallInterface;

/** The routes of everything a listener offers, by path with a leading slash. */
export function routesOf(exposure: Exposure, inFlight: InFlight): ReadonlyMap<string, ServerRoute> {
  const routes = new Map<string, ServerRoute>();
  for (const { methods } of answered(exposure)) {
    for (const served of methods.values())
      routes.set(`/${served.method.path}`, route(served, exposure.serializers, inFlight));
  }
  return routes;
}

function route(
  { method, invoke }: ServedMethod,
  serializers: ReadonlyMap<string, Serializer>,
  inFlight: InFlight,
): ServerRoute {
  const codecs = new Map<string, Codecs>();
  for (const serializer of serializers.values()) {
    codecs.set(serializer.subtype, { input: serializer.codec(method.input), output: serializer.codec(method.output) });
  }
  return { method, invoke, codecs, inFlight };
}
