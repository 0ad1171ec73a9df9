import { StatusError } from "../call/status.ts";
import { adoptCodec } from "./codec/codec.ts";
import { type DecodeLimits, decodeLimits } from "./codec/limits.ts";
import { adoptJson } from "./json/json.ts";
import type { JsonValue } from "./json/value.ts";
import { markOpaque } from "./opaque.ts";
import type { ByteSink, Codec, MessageType, Method, MethodKind, ServiceType } from "./types.ts";

/** A message as ts-proto generates it (2.x). */
export interface TsProtoMessage<T> {
  readonly $type?: string;
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
  fromJSON?(object: unknown): T;
  toJSON?(message: T): unknown;
}

interface TsProtoMethod<I, O> {
  readonly name: string;
  readonly requestType: TsProtoMessage<I>;
  readonly requestStream: boolean;
  readonly responseType: TsProtoMessage<O>;
  readonly responseStream: boolean;
  readonly options?: { readonly idempotencyLevel?: string };
}

/** A service as ts-proto generates it with `outputServices=generic-definitions` (also nice-grpc's service definition). */
export interface TsProtoDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, TsProtoMethod<unknown, unknown>>>;
}

type KindOf<M> = M extends { readonly requestStream: infer I; readonly responseStream: infer O }
  ? I extends true
    ? O extends true
      ? "bidi-stream"
      : "client-stream"
    : O extends true
      ? "server-stream"
      : "unary"
  : never;

type ValueOf<T> = T extends { decode(input: Uint8Array): infer V } ? V : never;

export type MethodsOfTsProto<D extends TsProtoDefinition> = {
  readonly [N in keyof D["methods"]]: Method<
    ValueOf<D["methods"][N]["requestType"]>,
    ValueOf<D["methods"][N]["responseType"]>
  > & { readonly kind: KindOf<D["methods"][N]> };
};

/**
 * A contract from a ts-proto definition, to serve or call it directly. Messages keep ts-proto's types, bytes and JSON.
 * What ts-proto does not say is unknown here: such a service has no descriptors, so reflection does not show it.
 */
export function contractFromTsProto<const D extends TsProtoDefinition>(
  definition: D,
): ServiceType<MethodsOfTsProto<D>> {
  const service = definition.fullName;
  const types = new Map<TsProtoMessage<unknown>, MessageType>();
  const entries = Object.entries(definition.methods).map(([name, method]) => {
    const wireName = method.name;
    const path = `${service}/${wireName}`;
    const level = method.options?.idempotencyLevel;
    return [
      name,
      Object.freeze({
        service,
        name,
        wireName,
        path,
        kind: kindOf(method),
        input: typeOf(types, method.requestType, `${service}.${wireName}Request`),
        output: typeOf(types, method.responseType, `${service}.${wireName}Response`),
        facts: Object.freeze({
          readOnly: level === "NO_SIDE_EFFECTS",
          idempotent: level === "NO_SIDE_EFFECTS" || level === "IDEMPOTENT",
          criticality: "normal",
        }),
      }),
    ];
  });
  return Object.freeze({ kind: "service", name: service, methods: Object.freeze(Object.fromEntries(entries)) });
}

function kindOf({ requestStream, responseStream }: TsProtoMethod<unknown, unknown>): MethodKind {
  if (requestStream) return responseStream ? "bidi-stream" : "client-stream";
  return responseStream ? "server-stream" : "unary";
}

/** ts-proto tells the name of a message only with `outputTypeAnnotations`; else it is named after its use. */
function typeOf(
  known: Map<TsProtoMessage<unknown>, MessageType>,
  source: TsProtoMessage<unknown>,
  use: string,
): MessageType {
  const found = known.get(source);
  if (found) return found;
  const type: MessageType = Object.freeze({ kind: "message", name: source.$type ?? use, fields: [], oneofs: [] });
  known.set(source, type);
  markOpaque(type);
  adoptCodec(type, codecFrom(type, source, decodeLimits));
  adoptJson(type, {
    toJson: (value) => guard(type, () => (source.toJSON ? source.toJSON(value) : unsupported()) as JsonValue),
    fromJson: (json) => guard(type, () => (source.fromJSON ? source.fromJSON(json) : unsupported())),
  });
  return type;
}

function unsupported(): never {
  throw new Error("generated without JSON methods (outputJsonMethods)");
}

function codecFrom(type: MessageType, source: TsProtoMessage<unknown>, limits: DecodeLimits): Codec<unknown> {
  const encode = (value: unknown) => guard(type, () => source.encode(value).finish());
  return {
    encode,
    encodeInto(value, sink: ByteSink) {
      const bytes = encode(value);
      sink.reserve(bytes.length);
      sink.buffer.set(bytes, sink.position);
      sink.position += bytes.length;
    },
    decode(bytes, start = 0, end = bytes.length) {
      if (end - start > limits.maxBytes)
        throw new StatusError(
          "INVALID_ARGUMENT",
          `${type.name}: ${end - start} bytes are more than ${limits.maxBytes}`,
          {
            reason: "MALFORMED_BYTES",
          },
        );
      // A copy: ts-proto's bytes fields are views of what they were read from.
      return guard(type, () => source.decode(new Uint8Array(bytes.subarray(start, end))));
    },
  };
}

/** Whatever ts-proto's code throws is about the value or the bytes. */
function guard<T>(type: MessageType, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new StatusError("INVALID_ARGUMENT", `${type.name}: ${text}`, { reason: "INVALID_MESSAGE", cause });
  }
}
