import {
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { StatusError } from "../../call/status.ts";
import type { ByteSink, Codec, MessageType, Method, MethodKind } from "../../contract/types.ts";
import type { Serializer } from "../../spi/serializer.ts";

const kinds: Readonly<Record<DescMethod["methodKind"], MethodKind>> = {
  unary: "unary",
  server_streaming: "server-stream",
  client_streaming: "client-stream",
  bidi_streaming: "bidi-stream",
};

/** A method as protocols want it, made from a descriptor. Its messages are coded by {@link dynamicSerializer} only. */
export function dynamicMethod(descriptor: DescMethod): Method {
  const service = descriptor.parent.typeName;
  return {
    service,
    name: descriptor.localName,
    wireName: descriptor.name,
    path: `${service}/${descriptor.name}`,
    kind: kinds[descriptor.methodKind],
    input: typeOf(descriptor.input),
    output: typeOf(descriptor.output),
    facts: { readOnly: false, idempotent: false, criticality: "normal" },
  };
}

function typeOf({ typeName }: DescMessage): MessageType {
  return { kind: "message", name: typeName, fields: [], oneofs: [] };
}

/** Protobuf for messages known by descriptor: values are those of protobuf-es. */
export function dynamicSerializer(registry: FileRegistry): Serializer {
  const codecs = new Map<string, Codec<Message>>();
  return {
    contentType: "application/protobuf",
    subtype: "proto",
    codec: <T>({ name }: MessageType<T>) => {
      const codec = codecs.get(name) ?? dynamicCodec(registry, name);
      codecs.set(name, codec);
      return codec as unknown as Codec<T>; // by the descriptor of the same name
    },
  };
}

function dynamicCodec(registry: FileRegistry, name: string): Codec<Message> {
  const descriptor = registry.getMessage(name);
  if (!descriptor) throw new StatusError("INTERNAL", `the server does not describe its message ${name}`);
  return {
    encode: (value) => toBinary(descriptor, value),
    encodeInto: (value, sink) => append(sink, toBinary(descriptor, value)),
    decode: (bytes, start = 0, end = bytes.length) => fromBinary(descriptor, bytes.subarray(start, end)),
  };
}

function append(sink: ByteSink, bytes: Uint8Array): void {
  sink.reserve(bytes.length);
  sink.buffer.set(bytes, sink.position);
  sink.position += bytes.length;
}

/** Reads a message from JSON. Throws an Error that names the field. */
export function messageFromJson(registry: FileRegistry, descriptor: DescMessage, json: unknown): Message {
  return fromJson(descriptor, json as JsonValue, { registry });
}

/** A message as JSON; zero values are shown. */
export function messageToJson(registry: FileRegistry, descriptor: DescMessage, message: Message): unknown {
  return toJson(descriptor, message, { registry, alwaysEmitImplicit: true });
}
