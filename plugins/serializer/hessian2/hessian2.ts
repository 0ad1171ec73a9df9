import { definePlugin, type Serializer, StatusError, serializer } from "@mortise/kernel";
import { byteSink, type Codec, type MessageType, mapping } from "@mortise/kernel/contract";
import { HessianReader, HessianWriter } from "@mortise/kernel/hessian";
import { z } from "zod";
import { type ClassNames, hessianForm } from "./form.ts";

/** Hessian 2.0, as Dubbo and other Java peers speak it. `classNames` gives messages and enums the names of Java classes. */
export function hessian2Serializer(classNames: ClassNames = {}): Serializer {
  const form = hessianForm(classNames);
  const codecs = new WeakMap<MessageType, Codec<unknown>>();
  return {
    contentType: "application/x-hessian",
    subtype: "hessian2",
    codec<T>(type: MessageType<T>): Codec<T> {
      const known = codecs.get(type) as Codec<T> | undefined;
      if (known) return known;
      const made = codecWith(mapping(type, form));
      codecs.set(type, made as Codec<unknown>);
      return made;
    },
  };
}

type FormMapping<T> = ReturnType<typeof mapping<T, Parameters<HessianWriter["value"]>[0]>>;

function codecWith<T>({ toValue, fromValue }: FormMapping<T>): Codec<T> {
  const own = byteSink();
  const codec: Codec<T> = {
    encode(value) {
      own.position = 0;
      codec.encodeInto(value, own);
      return new Uint8Array(own.buffer.subarray(0, own.position));
    },
    encodeInto: (value, sink) => new HessianWriter(sink).value(toValue(value)),
    decode(bytes, start = 0, end = bytes.length) {
      const reader = new HessianReader(bytes, start, end);
      const value = fromValue(reader.value());
      if (!reader.done)
        throw new StatusError("INVALID_ARGUMENT", `hessian2: ${end - reader.position} bytes follow the message`);
      return value;
    },
  };
  return codec;
}

export const hessian2 = definePlugin({
  spi: serializer,
  name: "hessian2",
  description: "Hessian 2.0, what Dubbo speaks by default",
  options: z.strictObject({
    classNames: z.record(z.string(), z.string()).default({}).describe("Java class names by name of a message or enum"),
  }),
  setup: ({ options }) => ({ api: hessian2Serializer(options.classNames) }),
});
