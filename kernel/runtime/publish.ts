import { z } from "zod";
import { type Call, chain, type Invoker, type Reply } from "../call/call.ts";
import { contextKey } from "../call/context.ts";
import { noMetadata } from "../call/metadata.ts";
import { eachHeader } from "../call/propagation.ts";
import type { CallSite } from "../call/site.ts";
import { policyFields } from "../call/site.ts";
import type { TopicType } from "../contract/types.ts";
import type { Bus } from "../spi/bus.ts";
import type { ClientParts } from "./client-path.ts";
import { contentTypeHeader, eventKey } from "./event-codec.ts";
import type { Basis } from "./lease.ts";
import { chosen, type Named, wrapsAt } from "./parts.ts";

/** Policy fields of topics. */
export const topicPolicy = policyFields({
  bus: z.string().optional().describe("The bus that carries the events, by its name under `use`. Default: the first."),
});

/** The id of the event a call publishes. */
export const eventId = contextKey("event id", "");

export interface PublishParts extends ClientParts {
  readonly buses: Named<Bus>;
}

const published: Reply = Object.freeze({ response: {}, headers: noMetadata, trailers: () => noMetadata });

/** Compiles the way of an event to its bus: call filters, serializer, bus. */
export function compilePublish(topic: TopicType, { app, effective: { policy } }: Basis, parts: PublishParts): Invoker {
  const { method } = topic;
  const site: CallSite = { place: "call", method, app, policy };
  const bus = busFor(site, parts.buses);
  const serializer = chosen("serializer", policy.serializer, parts.serializers, method);
  const codec = serializer.codec(topic.message);
  return chain(wrapsAt("call", site, parts.filters), async ({ request, context }: Call) => {
    const key = eventKey(topic, request);
    const headers: Record<string, string> = {};
    eachHeader(context, (name, value) => {
      if (typeof value === "string") headers[name] = value;
    });
    headers[contentTypeHeader] = serializer.contentType;
    const body = codec.encode(request);
    await bus.publish(topic.name, { id: context.get(eventId), body, headers, ...(key !== undefined && { key }) });
    return published;
  });
}

/** The bus a topic's events travel on. Throws FAILED_PRECONDITION if its policy names one that is not selected. */
export function busFor(site: CallSite, buses: Named<Bus>): Bus {
  const name = topicPolicy.of(site).bus ?? buses.keys().next().value ?? "";
  return chosen("bus", name, buses, site.method);
}
