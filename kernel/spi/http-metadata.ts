import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { CallContext } from "../call/context.ts";
import type { Metadata, MetadataValue } from "../call/metadata.ts";
import { contextHeaderNames, eachContextHeader, isContextHeader } from "../call/propagation.ts";
import { StatusError } from "../call/status.ts";
import { joinTexts, parseShapes, shapesHeader, splitText, type TextShape } from "./shaped-headers.ts";

/** In front of the names of trailers: they are known before the body is, and browsers do not show real ones. */
export const trailerPrefix = "mortise-trailer-";
/** Tells a caller that its request was not carried out, so that it can be sent elsewhere. */
export const unhandledHeader = "mortise-unhandled";

/** What belongs to HTTP or the protocol and is not shown to handlers and callers. */
const hidden =
  /^(:.*|host|te|trailer|content-type|content-length|content-encoding|accept|accept-encoding|expect|date|allow|cache-control|upgrade-insecure-requests|grpc-timeout|mortise-(shapes|unhandled|trailer-.*))$/;

/** What HTTP/2 forbids; sending it would cost the whole connection (RFC 9113, section 8.2.2). */
const forbidden = /^(connection|upgrade|http2-settings|keep-alive|proxy-connection|transfer-encoding|host)$/;

/**
 * Adds metadata to headers. What HTTP would change is told in a header of our own. Throws a StatusError
 * INVALID_ARGUMENT for a name that HTTP/2 forbids.
 */
export function addMetadata(target: OutgoingHttpHeaders, source: Metadata, prefix = ""): void {
  const shapes: string[] = [];
  for (const name of source.names()) {
    if (hidden.test(name) || isContextHeader(name)) continue;
    if (forbidden.test(name))
      throw new StatusError("INVALID_ARGUMENT", `metadata "${name}" cannot be sent: HTTP/2 forbids this name`);
    const texts = source.getAll(name).map(asText);
    if (name === "set-cookie") {
      target[prefix + name] = texts; // the one header that HTTP does not join (RFC 9110, section 5.3)
      continue;
    }
    const { sent, shape } = joinTexts(texts);
    target[prefix + name] = sent;
    if (shape !== undefined) shapes.push(`${prefix}${name}=${shape}`);
  }
  if (shapes.length > 0) target[shapesHeader] = [target[shapesHeader] ?? [], shapes].flat().join(",");
}

/** Adds what travels with a context. Throws a StatusError INVALID_ARGUMENT for what HTTP cannot carry. */
export function addContext(target: OutgoingHttpHeaders, context: CallContext): void {
  eachContextHeader(context, (name, value) => {
    if (!/^[\x20-\x7e]*$/.test(value))
      throw new StatusError("INVALID_ARGUMENT", `${name} of the context holds more than printable ASCII`);
    target[name] = value.trim();
  });
}

const asText = (value: MetadataValue): string =>
  typeof value === "string" ? value : Buffer.from(value).toString("base64");

/** What came in, read only when asked for. With a prefix: only what has it, without it. */
export class HttpMetadata implements Metadata {
  readonly #headers: IncomingHttpHeaders;
  readonly #prefix: string;
  #shapes: ReadonlyMap<string, TextShape> | undefined = undefined;

  constructor(headers: IncomingHttpHeaders, prefix = "") {
    this.#headers = headers;
    this.#prefix = prefix;
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
    if (!this.#isShown(this.#prefix + name)) return [];
    const given = this.#headers[this.#prefix + name];
    if (given === undefined) return [];
    if (Array.isArray(given)) return given;
    this.#shapes ??= parseShapes(this.#headers[shapesHeader]);
    const shape = this.#shapes.get(this.#prefix + name);
    const texts = shape ? splitText(given, shape) : [given];
    return name.endsWith("-bin") ? texts.map((one) => new Uint8Array(Buffer.from(one, "base64"))) : texts;
  }

  names(): readonly string[] {
    return Object.keys(this.#headers)
      .filter((name) => this.#isShown(name))
      .map((name) => name.slice(this.#prefix.length));
  }

  #isShown(name: string): boolean {
    if (this.#prefix !== "") return name.startsWith(this.#prefix);
    return !hidden.test(name) && !forbidden.test(name) && name !== contextHeaderNames.timeout;
  }
}
