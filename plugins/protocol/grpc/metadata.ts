import type { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { isContextHeader, type Metadata, type MetadataValue, StatusError } from "@mortise/kernel";
import type { SentHeaders } from "./sent-headers.ts";

/**
 * Lists the texts that HTTP/2 would change, with what undoes it: `name=1.5` for several texts under one name, which come
 * out as one, with their lengths; `name=7@2` for spaces at the ends, which are cut off, with how many stood in front.
 */
const shapesHeader = "mortise-shapes";

/** Names the serializer of a call where it is not protobuf, by its subtype. */
export const serializerHeader = "mortise-serializer";

/** Is `false` with an error of code UNAVAILABLE that is not to be tried again. */
export const retryableHeader = "mortise-retryable";

/**
 * Sent by a caller that reads a stream: its gRPC library throws messages away that wait to be read when the call ends
 * with an error. A stream that fails after its first message then ends with OK, and with the code in this trailer.
 */
export const lateStatusHeader = "mortise-late-status";

/** Longer texts than any header may be are not made up for a peer that claims them. */
const maxText = 65_536;

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
      const text = values.join(", ");
      const sent = text.trim();
      target.put(name, sent);
      if (values.length > 1 || sent.length < text.length) shapes.push(`${name}=${shapeOf(values, text)}`);
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
  #shapes: ReadonlyMap<string, Shape> | undefined;

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
    return shape ? restored(only, shape) : values;
  }

  names(): readonly string[] {
    return Object.keys(this.#source.toJSON()).filter((name) => !hidden.test(name));
  }

  #shapeOf(name: string): Shape | undefined {
    this.#shapes ??= parseShapes(this.#source.get(shapesHeader)[0]);
    return this.#shapes.get(name);
  }
}

function shapeOf(values: readonly MetadataValue[], text: string): string {
  const front = text.length - text.trimStart().length;
  return `${values.map((value) => value.length).join(".")}${front > 0 ? `@${front}` : ""}`;
}

/** What undoes the changes to one text. */
interface Shape {
  readonly lengths: readonly number[];
  readonly front: number;
}

function parseShapes(header: unknown): ReadonlyMap<string, Shape> {
  if (typeof header !== "string") return new Map();
  return new Map(
    header.split(",").map((entry) => {
      const at = entry.indexOf("=");
      const [lengths = "", front = "0"] = entry.slice(at + 1).split("@");
      return [entry.slice(0, at), { lengths: lengths.split(".").map(Number), front: Number(front) }];
    }),
  );
}

/** Undoes the changes; gives the text as it came when the shape does not fit it. */
function restored(text: string, { lengths, front }: Shape): readonly string[] {
  const total = lengths.reduce((sum, length) => sum + length, 2 * (lengths.length - 1));
  if (!(front >= 0 && front + text.length <= total && total <= maxText)) return [text];
  const whole = (" ".repeat(front) + text).padEnd(total);
  let at = 0;
  return lengths.map((length) => {
    const part = whole.slice(at, at + length);
    at += length + 2;
    return part;
  });
}
