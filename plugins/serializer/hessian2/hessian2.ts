import { definePlugin, type Serializer, StatusError, serializer } from "@mortise/kernel";
import {
  byteSink,
  type Codec,
  type EnumType,
  type Field,
  type Mapping,
  type MessageType,
  mapping,
} from "@mortise/kernel/contract";
import { HessianReader, type HessianValue, type HessianValues, HessianWriter } from "@mortise/kernel/hessian";
import { z } from "zod";
import { hessianForm } from "./form.ts";
import { type ClassNames, type Conversion, conversionTo, type FieldTypes, usualType } from "./java-types.ts";

/** A serializer that protocols may also ask for the values behind its bytes. */
export interface HessianSerializer extends Serializer {
  readonly hessian: HessianValues;
}

/**
 * Hessian 2.0, as Dubbo and other Java peers speak it. `classNames` gives messages and enums the names of Java classes,
 * `javaTypes` gives fields (`<message>.<field>`) other types than the usual ones.
 */
export function hessian2Serializer(classNames: ClassNames = {}, javaTypes: FieldTypes = {}): HessianSerializer {
  const classOf = ({ name }: MessageType | EnumType) => classNames[name] ?? name;
  const conversions = new WeakMap<MessageType, readonly (Conversion | undefined)[]>();
  const conversionsOf = (type: MessageType) => {
    if (Object.keys(javaTypes).length === 0) return undefined;
    const known = conversions.get(type);
    if (known) return known;
    const made = type.fields.map((field) => conversionTo(javaTypes[`${type.name}.${field.name}`] ?? ""));
    conversions.set(type, made);
    return made;
  };
  const form = hessianForm({ classOf, conversionsOf });
  const codecs = new WeakMap<MessageType, Codec<unknown>>();
  const mappings = new WeakMap<MessageType, Mapping<unknown, HessianValue>>();
  function mappingOf<T>(type: MessageType<T>): Mapping<T, HessianValue> {
    const known = mappings.get(type) as Mapping<T, HessianValue> | undefined;
    if (known) return known;
    const made = mapping(type, form);
    mappings.set(type, made as Mapping<unknown, HessianValue>);
    return made;
  }
  return {
    contentType: "application/x-hessian",
    subtype: "hessian2",
    hessian: {
      of: mappingOf,
      classOf,
      typeOf: (message: MessageType, field: Field) =>
        javaTypes[`${message.name}.${field.name}`] ?? usualType(field, classOf),
    },
    codec<T>(type: MessageType<T>): Codec<T> {
      const known = codecs.get(type) as Codec<T> | undefined;
      if (known) return known;
      const made = codecWith(mappingOf(type));
      codecs.set(type, made as Codec<unknown>);
      return made;
    },
  };
}

function codecWith<T>({ toValue, fromValue }: Mapping<T, HessianValue>): Codec<T> {
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
    javaTypes: z
      .record(z.string(), z.string())
      .default({})
      .describe("Java types of fields, as <message>.<field>: java.math.BigDecimal; those not named have the usual one"),
  }),
  setup: ({ options }) => ({ api: hessian2Serializer(options.classNames, options.javaTypes) }),
});
