import type { Codec, MessageType } from "../contract/types.ts";
import { defineSpi } from "../core/spi.ts";

/** Turns messages into bytes and back. */
export interface Serializer {
  /** Media type for protocols over HTTP, for example `application/json`. */
  readonly contentType: string;
  /** What follows `application/grpc+` and names it in other protocols, for example `json`. */
  readonly subtype: string;
  /** The codec of one message type; the same object for the same type. */
  codec<T>(type: MessageType<T>): Codec<T>;
}

export const serializer = defineSpi<Serializer>("serializer", { kind: "named", fallback: "protobuf" });
