import { Buffer } from "node:buffer";
import {
  type ByteSink,
  type Codec,
  definePlugin,
  type MessageType,
  type Serializer,
  StatusError,
  serializer,
} from "@mortise/kernel";
import { jsonOf } from "@mortise/kernel/contract";
import { z } from "zod";

const options = z.strictObject({
  emitDefaults: z
    .boolean()
    .default(false)
    .describe("Whether fields that hold their default value are written too; readers take both forms."),
  ignoreUnknown: z
    .boolean()
    .default(true)
    .describe(
      "Whether fields and enum names the contract does not know are passed over, as protobuf does; otherwise they are refused.",
    ),
});

export type JsonOptions = z.output<typeof options>;

/** proto3's JSON mapping as UTF-8. */
export function jsonSerializer(options: JsonOptions): Serializer {
  const codecs = new WeakMap<MessageType, Codec<unknown>>();
  return {
    contentType: "application/json",
    subtype: "json",
    codec: <T>(type: MessageType<T>) => {
      let codec = codecs.get(type);
      if (!codec) {
        codec = jsonCodec(type, options);
        codecs.set(type, codec);
      }
      return codec as Codec<T>;
    },
  };
}

export const json = definePlugin({
  spi: serializer,
  name: "json",
  description: "proto3's JSON mapping, for people, browsers and peers without protobuf",
  options,
  setup: ({ options }) => ({ api: jsonSerializer(options) }),
});

function jsonCodec(type: MessageType, options: JsonOptions): Codec<unknown> {
  const mapping = jsonOf(type);
  const encode = (value: unknown) => Buffer.from(JSON.stringify(mapping.toJson(value, options)));
  return {
    encode,
    encodeInto: (value, sink) => append(encode(value), sink),
    decode: (bytes, start = 0, end = bytes.length) =>
      mapping.fromJson(parse(type, bytes.subarray(start, end)), options),
  };
}

function append(bytes: Uint8Array, sink: ByteSink): void {
  sink.reserve(bytes.length);
  sink.buffer.set(bytes, sink.position);
  sink.position += bytes.length;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parse({ name }: MessageType, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : "the bytes are no UTF-8";
    throw new StatusError("INVALID_ARGUMENT", `${name}: not JSON: ${why}`, { reason: "MALFORMED_BYTES", cause });
  }
}
