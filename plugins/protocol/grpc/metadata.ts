import type { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { isContextHeader, type Metadata, type MetadataValue, StatusError } from "@mortise/kernel";
import { joinTexts, parseShapes, shapesHeader, splitText, type TextShape } from "@mortise/kernel/spi/shaped-headers";
import type { SentHeaders } from "./sent-headers.ts";

/** Names the serializer of a call where it is not protobuf, by its subtype. */
export const serializerHeader = "mortise-serializer";

/** Is `false` with an error of code UNAVAILABLE that is not to be tried again. */
export const retryableHeader = "mortise-retryable";

/**
 * Sent by a caller that reads a stream: its gRPC library throws messages away that wait to be read when the call ends
 * with an error. A stream that fails after its first message then ends with OK, and with the code in this trailer.
 */
export const lateStatusHeader = "mortise-late-status";

/** What belongs to gRPC, HTTP or this plugin and is not shown to handlers and callers. */
const hidden =
  /^(grpc-.*|mortise-(shapes|serializer|retryable|late-status)|content-type|content-length|user-agent|date|te|accept-encoding)$/;

/** What HTTP/2 forbids; sending it would cost the whole connection (RFC 9113, section 8.2.2). */
const forbidden = /^(connection|upgrade|http2-settings|keep-alive|proxy-connection|transfer-encoding|host)$/;

/**
 * Adds `source` to what is sent. Several texts under one name are joined as HTTP does it, and spaces at the ends are cut
 * off; a header of our own tells how to undo both, and other gRPC peers see the joined text. Names that belong to gRPC or to the context
 * are left out. Throws a StatusError INVALID_ARGUMENT for a name that HTTP/2 forbids.
 */
export function addMetadata(target: SentHeaders, source: Metadata): void {
  const shapes: string[] = [];
  for (const name of source.names()) {
    if (hidden.test(name) || isContextHeader(name)) continue;
    if (forbidden.test(name)) {
      throw new StatusError("INVALID_ARGUMENT", `metadata "${name}" cannot be sent: HTTP/2 forbids this name`);
    }
    const values = source.getAll(name);
    if (name.endsWith("-bin")) {
      target.putBytes(name, values as readonly Uint8Array[]);
    } else {
      const { sent, shape } = joinTexts(values);
      target.put(name, sent);
      if (shape !== undefined) shapes.push(`${name}=${shape}`);
    }
  }
  if (shapes.length > 0) target.put(shapesHeader, shapes.join(","));
}

/** The bytes as a Buffer over the same memory. */
export function buffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What came in, read only when asked for. */
export function receivedMetadata(source: GrpcMetadata): Metadata {
  return new ReceivedMetadata(source);
}

class ReceivedMetadata implements Metadata {
  readonly #source: GrpcMetadata;
  #shapes: ReadonlyMap<string, TextShape> | undefined;

  constructor(source: GrpcMetadata) {
    this.#source = source;
  }

  get(name: string): string | undefined {
    const value = this.getAll(name).at(-1);
    return typeof value === "string" ? value : undefined;
  }

  getBytes(name: string): Uint8Array | undefined {
    const value = this.getAll(name).at(-1);
    return value instanceof Uint8Array ? value : undefined;
  }

  getAll(name: string): readonly MetadataValue[] {
    if (hidden.test(name)) return [];
    const values = this.#source.get(name);
    const [only] = values;
    if (values.length !== 1 || typeof only !== "string") return values;
    const shape = this.#shapeOf(name);
    return shape ? splitText(only, shape) : values;
  }

  names(): readonly string[] {
    return Object.keys(this.#source.toJSON()).filter((name) => !hidden.test(name));
  }

  #shapeOf(name: string): TextShape | undefined {
    this.#shapes ??= parseShapes(this.#source.get(shapesHeader)[0]);
    return this.#shapes.get(name);
  }
}
