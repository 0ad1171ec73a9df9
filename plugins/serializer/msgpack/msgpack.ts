import { definePlugin, type Serializer, serializer } from "@mortise/kernel";
import { byteSink, type Codec, type MessageType, mapping } from "@mortise/kernel/contract";
import { packForm } from "./form.ts";
import { readPack } from "./reader.ts";
import { writePack } from "./writer.ts";

const codecs = new WeakMap<MessageType, Codec<unknown>>();

function codecOf<T>(type: MessageType<T>): Codec<T> {
  const known = codecs.get(type) as Codec<T> | undefined;
  if (known) return known;
  const { toValue, fromValue } = mapping(type, packForm);
  const own = byteSink();
  const codec: Codec<T> = {
    encode(value) {
      own.position = 0;
      codec.encodeInto(value, own);
      return new Uint8Array(own.buffer.subarray(0, own.position));
    },
    encodeInto: (value, sink) => writePack(sink, toValue(value)),
    decode: (bytes, start = 0, end = bytes.length) => fromValue(readPack(bytes, start, end)),
  };
  codecs.set(type, codec as Codec<unknown>);
  return codec;
}

/** MessagePack: as readable for other programs as JSON, in fewer bytes, and it carries bytes and 64-bit numbers. */
export const msgpackSerializer: Serializer = Object.freeze({
  contentType: "application/msgpack",
  subtype: "msgpack",
  codec: codecOf,
});

export const msgpack = definePlugin({
  spi: serializer,
  name: "msgpack",
  description: "MessagePack: self-describing like JSON, smaller, with bytes and 64-bit numbers",
  setup: () => ({ api: msgpackSerializer }),
});
