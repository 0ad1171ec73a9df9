import type { Context } from "../call/context.ts";
import type { Method, ServiceType, TopicType } from "../contract/types.ts";
import { type Derived, derived } from "../core/needs.ts";
import { defineSpi } from "../core/spi.ts";

/** Calls one method; typed by its contract. Without a context the call is a root of its own. */
export type Calling<M> = M extends Method<infer I, infer O> & { readonly kind: infer K }
  ? K extends "unary"
    ? (request: I, context?: Context) => Promise<O>
    : K extends "server-stream"
      ? (request: I, context?: Context) => AsyncIterable<O>
      : K extends "client-stream"
        ? (requests: AsyncIterable<I>, context?: Context) => Promise<O>
        : K extends "bidi-stream"
          ? (requests: AsyncIterable<I>, context?: Context) => AsyncIterable<O>
          : never
  : never;

/** A typed client of a service. */
export type Client<S extends ServiceType> = { readonly [K in keyof S["methods"]]: Calling<S["methods"][K]> };

/** Publishes events of one topic. Resolves when the bus has taken responsibility. */
export type Publish<T> = (event: T, context?: Context, options?: { readonly id?: string }) => Promise<void>;

/** Makes clients and publishers; they follow every later change of configuration by themselves. */
export interface Clients {
  client<S extends ServiceType>(service: S): Client<S>;
  publisher<T>(topic: TopicType<T>): Publish<T>;
  /** The contract of a service of which this process has a client, by its name. */
  contract(service: string): ServiceType | undefined;
}

export const clients = defineSpi<Clients>("clients", { kind: "one", fallback: "runtime" });

/** A need: a typed client of a service, wherever that runs. */
export function client<S extends ServiceType>(service: S): Derived<Client<S>> & { readonly calls: S } {
  return { ...derived(clients, (api) => api.client(service)), calls: service };
}

/** A need: publishes events of a topic. */
export function publisher<T>(topic: TopicType<T>): Derived<Publish<T>> & { readonly publishes: TopicType<T> } {
  return { ...derived(clients, (api) => api.publisher(topic)), publishes: topic };
}
