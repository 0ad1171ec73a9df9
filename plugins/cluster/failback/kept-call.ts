import { type CallContext, contextFromHeaders, eachHeader, type Metadata, metadata, type Ports } from "@mortise/kernel";
import { bytes, codecOf, field, type Infer, message, repeated, string } from "@mortise/kernel/contract";

const Header = message("mortise.failback.v1.Header", { name: string(1), text: string(2), bytes: bytes(3) });

/** A call that is kept to be made again. */
export const KeptCall = message("mortise.failback.v1.KeptCall", {
  service: string(1),
  /** Name of the method in its contract. */
  method: string(2),
  /** Encoded as protobuf, whatever the call was sent as. */
  request: bytes(3),
  headers: repeated(field(4, Header)),
});

export type KeptCall = Infer<typeof KeptCall>;

export function writeKept(call: KeptCall): Uint8Array {
  return codecOf(KeptCall).encode(call);
}

/** Throws INVALID_ARGUMENT for bytes that are none. */
export function readKept(body: Uint8Array): KeptCall {
  return codecOf(KeptCall).decode(body);
}

/** All that a context sends with its calls. */
export function headersOf(context: CallContext): KeptCall["headers"] {
  const headers: KeptCall["headers"][number][] = [];
  eachHeader(context, (name, value) => {
    const text = typeof value === "string";
    headers.push({ name, text: text ? value : "", bytes: text ? new Uint8Array() : value });
  });
  return headers;
}

/** A context that sends the same, for a call of its own: with the trace and the tenant it had, and a deadline to come. */
export function contextOf(headers: KeptCall["headers"], ports: Ports): CallContext {
  const received = contextFromHeaders(asMetadata(headers), ports);
  const { idempotencyKey, incoming } = received;
  const own = incoming.names().map((name) => [name, incoming.getAll(name)] as const);
  return received.with({
    metadata: Object.fromEntries(own),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });
}

function asMetadata(headers: KeptCall["headers"]): Metadata {
  const values = new Map<string, (string | Uint8Array)[]>();
  for (const { name, text, bytes } of headers) {
    const list = values.get(name) ?? [];
    list.push(name.endsWith("-bin") ? bytes : text);
    values.set(name, list);
  }
  return metadata(Object.fromEntries(values));
}
