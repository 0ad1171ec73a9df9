import type { Context } from "../call/context.ts";
import type { OperationsType } from "../contract/transaction/operation.ts";
import type { Infer, MessageType, Method, ServiceType, TopicType } from "../contract/types.ts";
import { defineSpi } from "../core/spi.ts";

/** What a handler receives beside the request. */
export interface ServerContext extends Context {
  /** Adds to the headers of the reply; no effect once they are sent (at the first message of a stream). */
  setHeader(name: string, value: string | Uint8Array): void;
  /** Adds to the trailers of the reply, also when the handler then throws. */
  setTrailer(name: string, value: string | Uint8Array): void;
}

type Output<O> = O extends MessageType<infer T> ? T : O;

/** The handler of one method, typed by its contract. */
export type Handler<M> = M extends Method<infer I, infer O> & { readonly kind: infer K }
  ? K extends "unary"
    ? (request: I, call: ServerContext) => Promise<Output<O>> | Output<O>
    : K extends "server-stream"
      ? (request: I, call: ServerContext) => AsyncIterable<Output<O>>
      : K extends "client-stream"
        ? (requests: AsyncIterable<I>, call: ServerContext) => Promise<Output<O>>
        : K extends "bidi-stream"
          ? (requests: AsyncIterable<I>, call: ServerContext) => AsyncIterable<Output<O>>
          : never
  : never;

export type Handlers<S extends ServiceType> = { readonly [K in keyof S["methods"]]: Handler<S["methods"][K]> };

/** An event as its handler receives it. */
export interface EventContext extends Context {
  /** Unique per event: the same in every delivery of it, so it serves to recognise a repetition. */
  readonly id: string;
  readonly attempt: number;
}

export type EventHandler<T> = (event: T, call: EventContext) => Promise<void>;

/** A contract together with its handlers. */
export interface Offer {
  readonly service: ServiceType;
  readonly handlers: Readonly<Record<string, (request: never, call: ServerContext) => unknown>>;
}

export interface Listening {
  readonly topic: TopicType;
  readonly handler: EventHandler<never>;
}

/** What a running service does for others. */
export interface Service {
  readonly offers: readonly Offer[];
  readonly listens: readonly Listening[];
  /** Runs once everything of this process is registered and reachable; a door to the outside opens here. */
  ready?(): void | Promise<void>;
  /**
   * Runs first when the process stops or the service is removed, while everything it calls still serves: a door to the
   * outside lets nobody in any more and waits for those inside.
   */
  closing?(): void | Promise<void>;
}

/** What is known of a service plugin before it runs. */
export interface ServiceFacts extends Readonly<Record<string, unknown>> {
  readonly contracts: readonly ServiceType[];
  /** Topics it listens to. */
  readonly topics: readonly TopicType[];
  /** What it does on behalf of transactions. */
  readonly performs: readonly OperationsType[];
}

export type EventOf<T> = T extends TopicType<infer E> ? E : never;
export type MessageOf<M> = Infer<M>;

export const service = defineSpi<Service>("service", { kind: "named" });
