import type { Method, ServiceType, TopicType } from "../contract/types.ts";
import { suggestion } from "../core/nearest.ts";
import type { EventHandler, Offer, Service } from "../spi/service.ts";
import type { AnyHandler } from "./handler.ts";
import type { Named } from "./parts.ts";

/** A contract, and who serves it here. */
export interface Offered {
  readonly contract: ServiceType;
  /** The service plugin, by its name or alias. */
  readonly by: string;
  readonly handlers: Offer["handlers"];
}

/** A topic somebody here listens to. */
export interface Listened {
  readonly topic: TopicType;
  /** The service plugin; also the group whose members share the events. */
  readonly by: string;
  readonly handler: EventHandler<never>;
}

/** What the services of one generation do for others. */
export interface Offers {
  /** By name of the contract. */
  readonly services: ReadonlyMap<string, Offered>;
  /** By plugin and topic. */
  readonly listens: ReadonlyMap<string, Listened>;
}

/**
 * Gathers what services offer, and what the platform itself does. Throws an Error that names every missing or unknown
 * handler, and contracts served twice.
 */
export function offersOf(all: Named<Service>, own: Named<Service> = new Map()): Offers {
  const services = new Map<string, Offered>();
  const listens = new Map<string, Listened>();
  const faults: string[] = [];
  for (const [by, { offers, listens: topics }] of [...all, ...own]) {
    for (const { service: contract, handlers } of offers) {
      faults.push(...handlerFaults(by, contract, handlers));
      const other = services.get(contract.name);
      if (other) faults.push(`service/${by} offers ${contract.name}, which service/${other.by} offers already`);
      services.set(contract.name, { contract, by, handlers });
    }
    for (const { topic, handler } of topics) {
      const key = listenKey(by, topic.name);
      if (listens.has(key)) faults.push(`service/${by} listens to ${topic.name} twice`);
      listens.set(key, { topic, by, handler });
    }
  }
  if (faults.length > 0) throw new Error(faults.join("; "));
  return { services, listens };
}

/** By what a service's listening to a topic is known. */
export function listenKey(by: string, topic: string): string {
  return `${by} ${topic}`;
}

/** The handler of a method; nothing if nobody here serves it. */
export function handlerOf({ services }: Offers, method: Method): AnyHandler | undefined {
  const handlers = services.get(method.service)?.handlers;
  const handler = handlers?.[method.name] as AnyHandler | undefined;
  return handler && ((request, call) => handler.call(handlers, request, call));
}

function handlerFaults(by: string, { name, methods }: ServiceType, handlers: Offer["handlers"]): string[] {
  const missing = Object.keys(methods).filter((method) => typeof handlers[method] !== "function");
  const unknown = Object.keys(handlers).filter(
    (key) => typeof handlers[key] === "function" && !Object.hasOwn(methods, key),
  );
  return [
    ...missing.map((method) => `service/${by} has no handler for ${method} of ${name}`),
    ...unknown.map(
      (handler) =>
        `service/${by} has a handler "${handler}", which ${name} does not declare.${suggestion(handler, Object.keys(methods))}`,
    ),
  ];
}
