import type { Invoker } from "../call/call.ts";
import type { Method, MethodKind, ServiceType } from "../contract/types.ts";
import { defineSpi } from "../core/spi.ts";
import type { Instance } from "./instance.ts";
import type { Serializer } from "./serializer.ts";

/** A method as a server offers it. `invoke` runs provider filters and the handler of the current generation. */
export interface ServedMethod {
  readonly method: Method;
  readonly invoke: Invoker;
}

export interface ServedService {
  readonly service: ServiceType;
  /** By TypeScript name; every method of the service. */
  readonly methods: ReadonlyMap<string, ServedMethod>;
}

/** What a listener offers. */
export interface Exposure {
  readonly services: readonly ServedService[];
  /** Were offered here before. Nobody is told of them; whoever still calls them is answered by their paths, which say that they are gone. */
  readonly gone?: readonly ServedService[];
  /** By name; a request may use any of them. */
  readonly serializers: ReadonlyMap<string, Serializer>;
}

/** Everything a listener answers for; of two that want the same place the later one shall have it. */
export function answered({ services, gone = [] }: Exposure): readonly ServedService[] {
  return [...gone, ...services];
}

export interface Listener {
  /** What instances are registered with, for example `127.0.0.1:50051`. */
  readonly address: string;
  /** Offers these services from now on. Calls that have begun are not disturbed. */
  update(exposure: Exposure): void | Promise<void>;
  /** Refuses new calls, tells clients, waits for calls in flight; cuts those still there after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** A way to one instance's address. Opened on first use; heals itself when the peer comes back. */
export interface Connection {
  /** Compiled once per method. The invoker rejects with `neverSent` set when the request provably never left. */
  invoker(method: Method, serializer: Serializer): Invoker;
  /** Lets calls in flight finish, at most for `graceMs`. New calls fail with UNAVAILABLE and `neverSent`. */
  close(graceMs: number): Promise<void>;
}

/** What is known of a protocol plugin before it runs: `facts: { kinds, … }` of its definition. */
export interface ProtocolFacts extends Readonly<Record<string, unknown>> {
  readonly kinds: readonly MethodKind[];
  /** The serializer plugins it can carry, by name, where it cannot carry all: the same as its {@link Protocol.carries}. */
  readonly serializers?: {
    readonly only: readonly string[];
    /** Why no others, as the second half of a sentence: `bodies are read by browsers and curl`. */
    readonly reason: string;
  };
  /** Two methods that cannot be served together, in words; nothing where all can. */
  clash?(methods: readonly Method[]): string | undefined;
}

/** Carries calls between processes. */
export interface Protocol {
  /** The kinds of calls it can carry; others are refused when the app is planned. The same as in its {@link ProtocolFacts}. */
  readonly kinds: readonly MethodKind[];
  listen(exposure: Exposure): Promise<Listener>;
  connect(instance: Instance): Connection;
  /** Whether it can carry messages of this serializer. Without it: any. Instances offer only what it carries. */
  carries?(serializer: Serializer): boolean;
  /** Whether this protocol can reach the instance from here. Without it: always. */
  reaches?(instance: Instance): boolean;
}

export const protocol = defineSpi<Protocol>("protocol", { kind: "named", fallback: "grpc" });
