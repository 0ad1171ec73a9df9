import type { OutgoingHttpHeaders } from "node:http2";
import { Metadata as GrpcMetadata, type MetadataValue } from "@grpc/grpc-js";

/**
 * Headers or trailers of one call on their way out. They stand ready as HTTP/2 wants them, because grpc-js would copy its
 * own kind twice and check every text again; what it sets itself is only the offer of compression, which is not made.
 */
export class SentHeaders extends GrpcMetadata {
  readonly #fields: OutgoingHttpHeaders = {};

  /** `value` is printable ASCII without spaces at its ends. */
  put(name: string, value: string): void {
    this.#fields[name] = value;
  }

  putBytes(name: string, values: readonly Uint8Array[]): void {
    this.#fields[name] = values.map((value) => Buffer.from(value).toString("base64"));
  }

  override clone(): GrpcMetadata {
    return this;
  }

  override get(): MetadataValue[] {
    return [];
  }

  override set(): void {}

  override remove(): void {}

  override toHttp2Headers(): OutgoingHttpHeaders {
    return this.#fields;
  }
}
