import {
  type CallContext,
  contextHeaderNames,
  eachHeader,
  type Metadata,
  type MetadataValue,
  metadata,
  noMetadata,
  StatusError,
  timeoutHeader,
} from "@mortise/kernel";
import { headers, type MsgHdrs } from "nats";

/** Names the serializer of a call, by its subtype. Without it: JSON. */
export const serializerHeader = "Mortise-Serializer";
/** Names a call whose caller has more to say than its request; those of others have none. */
export const callHeader = "Mortise-Call";
/** The length of a request that comes in several pieces, in bytes. */
export const sizeHeader = "Mortise-Size";
/** How many bytes of a stream the caller takes before it gives more credit. */
export const windowHeader = "Mortise-Window";
const trailerPrefix = "Mortise-Trailer-";

/** Headers of one message on their way out, and how long they are. */
export class SentHeaders {
  readonly headers: MsgHdrs = headers();
  /** On the wire, at most. */
  bytes = 16;

  /** Throws a StatusError INVALID_ARGUMENT for a value that is no printable ASCII. */
  put(name: string, value: string): void {
    if (!/^[\x20-\x7e]*$/.test(value))
      throw new StatusError("INVALID_ARGUMENT", `${name} holds more than printable ASCII`, { neverSent: true });
    this.headers.append(name, value);
    this.bytes += name.length + value.length + 4;
  }

  putAll(source: Metadata, prefix = ""): void {
    for (const name of source.names()) for (const value of source.getAll(name)) this.put(prefix + name, written(value));
  }

  putTrailers(source: Metadata): void {
    this.putAll(source, trailerPrefix);
  }
}

/** What a call sends ahead of its request: its own headers, those of its context, what is left of its time. */
export function requestHeaders(context: CallContext, subtype: string, now: number): SentHeaders {
  const sent = new SentHeaders();
  sent.put(serializerHeader, subtype);
  eachHeader(context, (name, value) => sent.put(name, written(value)));
  const timeout = timeoutHeader(context, now);
  if (timeout !== undefined) sent.put(contextHeaderNames.timeout, timeout);
  return sent;
}

/** The headers of a message that are neither NATS's nor this plugin's, whose names begin in upper case. */
export function receivedMetadata(received: MsgHdrs | undefined): Metadata {
  return read(received, (name) => (/^(Mortise|Nats)-/.test(name) ? undefined : name.toLowerCase()));
}

/** The trailers that came with a message. */
export function receivedTrailers(received: MsgHdrs | undefined): Metadata {
  return read(received, (name) => (name.startsWith(trailerPrefix) ? name.slice(trailerPrefix.length) : undefined));
}

function read(received: MsgHdrs | undefined, nameOf: (name: string) => string | undefined): Metadata {
  if (!received) return noMetadata;
  const found: Record<string, MetadataValue[]> = {};
  for (const [given, values] of received) {
    const name = nameOf(given);
    if (name === undefined || !/^[0-9a-z_.-]+$/.test(name) || name === "__proto__") continue;
    found[name] = (found[name] ?? []).concat(values.flatMap((value) => readValue(name, value)));
  }
  return metadata(found);
}

/** NATS cuts white space off at the ends of a value, so that is escaped, as is what escapes. */
function written(value: MetadataValue): string {
  if (typeof value !== "string") return Buffer.from(value).toString("base64");
  return value.replace(/%|^ +| +$/g, (found) => (found === "%" ? "%25" : "%20".repeat(found.length)));
}

/** Values of others that are no metadata are left out. */
function readValue(name: string, value: string): MetadataValue[] {
  if (name.endsWith("-bin")) return [new Uint8Array(Buffer.from(value, "base64"))];
  const text = value.replace(/%2[05]/g, (found) => (found === "%25" ? "%" : " "));
  return /^[\x20-\x7e]*$/.test(text) ? [text] : [];
}
