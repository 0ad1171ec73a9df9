import { type Metadata, type MetadataValue, metadata } from "../call/metadata.ts";
import { StatusError } from "../call/status.ts";
import type { TopicType } from "../contract/types.ts";
import type { BusMessage } from "../spi/bus.ts";
import type { Serializer } from "../spi/serializer.ts";
import type { Named } from "./parts.ts";

/** The header that names how the body of a message is encoded. */
export const contentTypeHeader = "content-type";

/** The key that orders an event, by the topic's key field; nothing where the topic has none. */
export function eventKey({ name, key }: TopicType, event: unknown): string | undefined {
  if (key === undefined) return undefined;
  const value = (event as Readonly<Record<string, unknown>>)[key];
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  throw new StatusError("INVALID_ARGUMENT", `an event of ${name} needs a value in ${key}, which orders it`, {
    reason: "EVENT_KEY_MISSING",
    neverSent: true,
  });
}

/** The event of a message. Throws INVALID_ARGUMENT for bytes that are none. */
export function decodeEvent(topic: TopicType, { body, headers }: BusMessage, serializers: Named<Serializer>): unknown {
  const contentType = headers[contentTypeHeader];
  const all = [...serializers.values()];
  const serializer = contentType === undefined ? all[0] : all.find((one) => one.contentType === contentType);
  if (serializer) return serializer.codec(topic.message).decode(body);
  throw new StatusError(
    "INVALID_ARGUMENT",
    `an event of ${topic.name} is encoded as ${contentType}, and no serializer for that is selected`,
    { reason: "SERIALIZER_NOT_SELECTED" },
  );
}

/** Headers of a message as metadata; what another publisher wrote and gRPC does not allow is left out. */
export function messageMetadata(headers: Readonly<Record<string, string>>): Metadata {
  const allowed = Object.entries(headers).flatMap(([given, value]): [string, MetadataValue][] => {
    const name = given.toLowerCase();
    const fits = /^[0-9a-z_.-]+$/.test(name) && !name.endsWith("-bin") && /^[\x20-\x7e]*$/.test(value);
    return fits ? [[name, value]] : [];
  });
  return metadata(Object.fromEntries(allowed));
}
