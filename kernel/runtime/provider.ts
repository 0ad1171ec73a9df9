import { type Call, chain, type Invoker, type Reply } from "../call/call.ts";
import { contextKey } from "../call/context.ts";
import { noMetadata } from "../call/metadata.ts";
import { handlerError } from "../call/outcome.ts";
import { contextFromHeaders } from "../call/propagation.ts";
import { eventContext } from "../call/server-context.ts";
import type { CallSite } from "../call/site.ts";
import { StatusError } from "../call/status.ts";
import type { Method, TopicType } from "../contract/types.ts";
import type { Generation } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { Delivery } from "../spi/bus.ts";
import type { Filter } from "../spi/filter.ts";
import type { Policies } from "../spi/policies.ts";
import type { Serializer } from "../spi/serializer.ts";
import type { EventHandler } from "../spi/service.ts";
import { watched } from "./attempt.ts";
import { decodeEvent, messageMetadata } from "./event-codec.ts";
import { handling, type Witness } from "./handler.ts";
import { type Basis, leasedPath } from "./lease.ts";
import { handlerOf, listenKey, type Offers } from "./offers.ts";
import { basisFor, type Choices, type Named, wrapsAt } from "./parts.ts";
import { serviceGone } from "./service-gone.ts";

/** What the providers' paths of one generation are made of. */
export interface ProviderParts extends Choices {
  readonly policies: Policies;
  readonly filters: Named<Filter>;
  readonly serializers: Named<Serializer>;
  readonly offers: Offers;
}

export interface ProviderSetup extends Witness {
  readonly ports: Ports;
  readonly generation: () => Generation;
  /** What serves now; read whenever a path is compiled. */
  readonly parts: () => ProviderParts;
  readonly inFlight: Count;
}

/** Counts requests being handled. */
export interface Count {
  enter(): void;
  leave(): void;
}

/** The path of one method from a listener to the handler of the current generation, whoever that is by then. */
export function providerPath(method: Method, setup: ProviderSetup): Invoker {
  const { generation, inFlight } = setup;
  const path = leasedPath(
    () => providerBasis(method, setup.parts()),
    (basis) => compileProvider(method, basis, setup),
  );
  const streams = method.kind === "server-stream" || method.kind === "bidi-stream";
  return (call) => {
    const now = generation();
    now.enter();
    inFlight.enter();
    const over = () => {
      inFlight.leave();
      now.leave();
      call.context.detach();
    };
    let replying: Promise<Reply>;
    try {
      replying = path.in(now)(call);
    } catch (error) {
      replying = Promise.reject(error); // it cannot be compiled, or a filter throws
    }
    return replying.then(
      (reply) => {
        if (streams) return watched(reply, over);
        over();
        return reply;
      },
      (error: unknown) => {
        over();
        throw error;
      },
    );
  };
}

export function providerBasis(method: Method, parts: ProviderParts): Basis {
  return basisFor(method, parts, parts.offers.services.get(method.service)?.handlers);
}

function siteOf(method: Method, service: string, { app, effective: { policy } }: Basis): CallSite {
  return { place: "provider", method, app, service, policy };
}

/** Compiles provider filters and handler. Throws UNAVAILABLE where the service is not part of this generation. */
export function compileProvider(method: Method, basis: Basis, setup: ProviderSetup): Invoker {
  const parts = setup.parts();
  const handler = handlerOf(parts.offers, method);
  if (!handler) {
    throw serviceGone(method, `${method.service} is not served here any more`);
  }
  const { by = method.service } = parts.offers.services.get(method.service) ?? {};
  return chain(wrapsAt("provider", siteOf(method, by, basis), parts.filters), handling(method, handler, setup));
}

interface DeliveryFacts {
  readonly id: string;
  readonly attempt: number;
}

const deliveryFacts = contextKey<DeliveryFacts>("delivery", { id: "", attempt: 1 });
const acknowledged: Reply = Object.freeze({ response: {}, headers: noMetadata, trailers: () => noMetadata });

/** The path of one topic from a bus to the handler of a service. It rejects when the event is to be delivered again. */
export function deliveryPath(
  by: string,
  topic: TopicType,
  setup: ProviderSetup,
): (delivery: Delivery) => Promise<void> {
  const { generation, inFlight, ports } = setup;
  const path = leasedPath(
    () => deliveryBasis(by, topic, setup.parts()),
    (basis) => compileDelivery(by, topic, basis, setup),
  );
  return async (delivery) => {
    const now = generation();
    now.enter();
    inFlight.enter();
    try {
      const invoke = path.in(now);
      const request = decodeEvent(topic, delivery, setup.parts().serializers);
      const context = contextFromHeaders(messageMetadata(delivery.headers), ports).set(deliveryFacts, delivery);
      await invoke({ method: topic.method as Method, request, context, instance: undefined });
    } finally {
      inFlight.leave();
      now.leave();
    }
  };
}

export function deliveryBasis(by: string, topic: TopicType, parts: ProviderParts): Basis {
  return basisFor(topic.method as Method, parts, parts.offers.listens.get(listenKey(by, topic.name))?.handler);
}

/** Compiles provider filters and event handler. Throws UNAVAILABLE where the service listens no longer. */
export function compileDelivery(by: string, topic: TopicType, basis: Basis, setup: ProviderSetup): Invoker {
  const parts = setup.parts();
  const method = topic.method as Method;
  const handler = basis.handler as EventHandler<unknown> | undefined;
  if (!handler) {
    throw new StatusError("UNAVAILABLE", `service/${by} does not listen to ${topic.name} any more`, {
      reason: "SERVICE_GONE",
    });
  }
  const site = siteOf(method, by, basis);
  return chain(wrapsAt("provider", site, parts.filters), async ({ request, context: given }: Call) => {
    const { id, attempt } = given.get(deliveryFacts);
    const context = eventContext(given, id, attempt);
    try {
      await handler(request, context);
    } catch (error) {
      throw handlerError(error, method, context, setup);
    }
    return acknowledged;
  });
}
