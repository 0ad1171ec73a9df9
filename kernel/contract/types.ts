import type { RestRule } from "./rest/rule.ts";

/** The scalar types of protobuf. 64-bit ones are bigint. */
export type Scalar =
  | "double"
  | "float"
  | "int32"
  | "int64"
  | "uint32"
  | "uint64"
  | "sint32"
  | "sint64"
  | "fixed32"
  | "fixed64"
  | "sfixed32"
  | "sfixed64"
  | "bool"
  | "string"
  | "bytes";

export type MapKey = Exclude<Scalar, "double" | "float" | "bytes">;

/**
 * Whether absence can be told from the default value.
 * - `implicit`: a scalar or enum as proto3 has it; absent means zero.
 * - `optional`: absent is `undefined`.
 * - `required`: a message that must be there; decoding without it fails.
 */
export type Presence = "implicit" | "optional" | "required";

/** What one value of a field is. */
export type ValueType =
  | { readonly kind: "scalar"; readonly scalar: Scalar }
  | { readonly kind: "message"; readonly message: () => MessageType }
  | { readonly kind: "enum"; readonly enum: () => EnumType };

/** One field of a message as plain data: all that codecs, descriptors and printers need. */
export interface Field {
  /** The TypeScript property, lowerCamelCase; snake_case in `.proto`, itself in JSON. */
  readonly name: string;
  readonly number: number;
  readonly type: ValueType;
  readonly presence: Presence;
  readonly repeated: boolean;
  /** For a map: the type of its keys; `type` is then the type of its values. */
  readonly mapKey: MapKey | undefined;
  /** The oneof it belongs to, by property name. */
  readonly oneof: string | undefined;
  /** Redacted in logs, traces and errors. */
  readonly sensitive: boolean;
  /** Its name in a `.proto` file of somebody else's; otherwise `name` in snake_case. */
  readonly protoName?: string | undefined;
}

declare const shape: unique symbol;

/** A message declared in TypeScript. `T` is the type of a complete value. */
export interface MessageType<T = unknown> {
  readonly kind: "message";
  /** Fully qualified, for example `shop.inventory.v1.Line`. */
  readonly name: string;
  /** In order of declaration. Read lazily, so messages may refer to each other. */
  readonly fields: readonly Field[];
  /** Names of the oneofs, in order of declaration. */
  readonly oneofs: readonly string[];
  readonly [shape]?: T;
}

/** An enumeration. Values are numbers; unknown ones pass through, as in proto3. */
export interface EnumType {
  readonly kind: "enum";
  readonly name: string;
  /** Value names without the enum's prefix, to numbers; the first is 0. */
  readonly values: Readonly<Record<string, number>>;
  /** Set where somebody else's `.proto` file gives the values no prefix. */
  readonly unprefixed?: true | undefined;
}

export type MethodKind = "unary" | "server-stream" | "client-stream" | "bidi-stream" | "event";

/** How much a method matters when not all can be served; the least important is shed first. */
export type Criticality = "critical" | "high" | "normal" | "low";

/** What a method promises; policies follow from it. */
export interface MethodFacts {
  /** Changes nothing. Implies `idempotent`. */
  readonly readOnly: boolean;
  /** Doing it twice has the effect of doing it once, so it may be repeated. */
  readonly idempotent: boolean;
  readonly criticality: Criticality;
}

/** One method of a service, or one topic (kind `event`). */
export interface Method<I = unknown, O = unknown> {
  /** Fully qualified service name, for example `shop.inventory.v1.Inventory`. */
  readonly service: string;
  /** The TypeScript name, for example `getStock`. */
  readonly name: string;
  /** The name on the wire, for example `GetStock`. */
  readonly wireName: string;
  /** `<service>/<wireName>`: the value of `rpc.method` and, with a leading slash, gRPC's path. */
  readonly path: string;
  readonly kind: MethodKind;
  readonly input: MessageType<I>;
  readonly output: MessageType<O>;
  readonly facts: MethodFacts;
  /** How it is called over HTTP, where it says so. */
  readonly rest?: RestRule;
}

/** A service declared in TypeScript. */
export interface ServiceType<M extends Readonly<Record<string, Method>> = Readonly<Record<string, Method>>> {
  readonly kind: "service";
  readonly name: string;
  /** By TypeScript name, in order of declaration. */
  readonly methods: M;
}

/** Events of one type. Publishing and delivering one is a call of kind `event`. */
export interface TopicType<T = unknown> {
  readonly kind: "topic";
  /** Fully qualified, for example `shop.order.v1.OrderPaid`. */
  readonly name: string;
  readonly message: MessageType<T>;
  /** The field whose value orders events: those with the same value are delivered in the order they were published. */
  readonly key: string | undefined;
  readonly method: Method<T, void>;
}

/** The type of a complete value of a message. */
export type Infer<M> = M extends MessageType<infer T> ? T : never;

/** Encodes and decodes one message type. Compiled once, used for ever. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  /** Writes at `sink.position` and moves it; grows the sink when needed. */
  encodeInto(value: T, sink: ByteSink): void;
  /** Throws a StatusError INVALID_ARGUMENT that says at which field the bytes are wrong. */
  decode(bytes: Uint8Array, start?: number, end?: number): T;
}

/** A growing buffer that encoders write into. */
export interface ByteSink {
  /** A codec may put a Buffer over the same memory in its place, which is quicker to write texts to. */
  buffer: Uint8Array;
  position: number;
  /** Makes room for `bytes` more behind `position`; may replace `buffer`, but keeps positions and what stands before. */
  reserve(bytes: number): void;
}
