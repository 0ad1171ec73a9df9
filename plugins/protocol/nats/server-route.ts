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
import type { NatsLink } from "./link.ts";
import type { NatsOptions } from "./options.ts";
import type { ServerCall } from "./server-call.ts";
import { dotted } from "./subjects.ts";

/** How the messages of one method are read and written with one serializer. */
export interface Codecs {
  readonly input: Codec<unknown>;
  readonly output: Codec<unknown>;
}

/** A method as the listener offers it. */
export interface ServerRoute {
  readonly method: Method;
  readonly invoke: Invoker;
  /** By subtype. */
  readonly codecs: ReadonlyMap<string, Codecs>;
  readonly statistics: Statistics;
}

/** What the service protocol tells of a method. */
export interface Statistics {
  requests: number;
  errors: number;
  lastError: string;
  processingMs: number;
}

/** What all calls of a listener share. */
export interface ServerHost {
  readonly link: NatsLink;
  readonly ports: Ports;
  readonly log: Log;
  readonly options: Pick<NatsOptions, "maxMessageBytes" | "windowBytes">;
  readonly inFlight: InFlight;
  /** Calls whose callers have more to say, by the key of their subject. */
  readonly calls: Map<string, ServerCall>;
}

/** Everything a listener offers, by path with dots. A method that stays keeps its statistics. */
export function routesOf(
  exposure: Exposure,
  before: ReadonlyMap<string, ServerRoute>,
): ReadonlyMap<string, ServerRoute> {
  const all = answered(exposure).flatMap(({ methods }) => [...methods.values()]);
  return new Map(all.map((served) => [dotted(served.method.path), route(served, exposure.serializers, before)]));
}

function route(
  { method, invoke }: ServedMethod,
  serializers: ReadonlyMap<string, Serializer>,
  before: ReadonlyMap<string, ServerRoute>,
): ServerRoute {
  const codecs = new Map(
    Array.from(serializers.values(), ({ subtype, codec }): [string, Codecs] => [
      subtype,
      { input: codec(method.input), output: codec(method.output) },
    ]),
  );
  const statistics = before.get(dotted(method.path))?.statistics ?? freshStatistics();
  return { method, invoke, codecs, statistics };
}

function freshStatistics(): Statistics {
  return { requests: 0, errors: 0, lastError: "", processingMs: 0 };
}
