import type { Codec, Method, Serializer } from "@mortise/kernel";
import { byteSink } from "@mortise/kernel/contract";
import {
  HessianReader,
  type HessianValue,
  HessianWriter,
  hessianValuesOf,
  type JavaMethod,
  javaMethod,
} from "@mortise/kernel/hessian";
import type { HessianOptions } from "./options.ts";

export const subtype = "hessian2";

/** How the messages of one method are arguments and a result. Bytes are values of Hessian 2, one after the other. */
export interface HessianRoute {
  readonly method: Method;
  /** The method's name in Java. */
  readonly name: string;
  readonly path: string;
  /** How many arguments it has. */
  readonly count: number;
  readonly exceptions: Readonly<Record<string, string>>;
  writeArguments(request: unknown): Uint8Array;
  readArguments(bytes: Uint8Array, start: number): unknown;
  /** The arguments as values, where they came in another version of Hessian. */
  fromValues(values: readonly HessianValue[]): unknown;
  writeResult(response: unknown): Uint8Array;
  readResult(bytes: Uint8Array, start: number): unknown;
}

/** Hessian's null, and an untyped map with nothing in it, which any message can be read from. */
const nullTag = 0x4e;
const nothing = Uint8Array.of(0x48, 0x5a);
const none = Uint8Array.of(nullTag);

type Services = HessianOptions["services"];

/** The path of a service, which is all that tells services of one address apart. */
export function pathOf(service: string, services: Services): string {
  return services[service]?.path ?? `/${service}`;
}

/** How a method is called with these options. Throws an Error that names the option where the two do not fit. */
export function routeOf(method: Method, serializer: Serializer, services: Services): HessianRoute {
  const options = services[method.service];
  const values = hessianValuesOf(serializer);
  const java = values && javaMethod("protocol/hessian", method, values, options);
  const own = options?.methods[method.name];
  const spread = (own?.arguments ?? options?.arguments) === "fields";
  const unwrap = (own?.result ?? options?.result) === "field" && method.output.fields.length > 0;
  const isNone = method.input.fields.length === 0;
  return {
    method,
    name: own?.name ?? method.name,
    path: pathOf(method.service, services),
    count: isNone ? 0 : spread ? method.input.fields.length : 1,
    exceptions: options?.exceptions ?? {},
    ...(isNone
      ? noArguments(serializer.codec(method.input))
      : spread
        ? severalArguments(need(java, method))
        : oneArgument(serializer.codec(method.input), java)),
    ...(unwrap ? fieldResult(need(java, method)) : messageResult(method, serializer.codec(method.output))),
  };
}

function need(java: JavaMethod | undefined, { path }: Method): JavaMethod {
  if (java) return java;
  throw new Error(`protocol/hessian cannot give ${path} its arguments: the serializer is not one of Hessian`);
}

/** The bytes of the message are its value, so that nothing is made of it twice. */
function oneArgument(codec: Codec<unknown>, java: JavaMethod | undefined) {
  return {
    writeArguments: (request: unknown) => codec.encode(request),
    readArguments: (bytes: Uint8Array, start: number) => readMessage(codec, bytes, start),
    fromValues: (values: readonly HessianValue[]) =>
      java ? java.fromArguments(values) : readMessage(codec, written(values), 0),
  };
}

function noArguments(codec: Codec<unknown>) {
  const empty = () => codec.decode(nothing);
  return { writeArguments: () => new Uint8Array(), readArguments: empty, fromValues: empty };
}

function severalArguments(java: JavaMethod) {
  return {
    writeArguments: (request: unknown) => written(java.toArguments(request)),
    readArguments: (bytes: Uint8Array, start: number) => java.fromArguments(valuesOf(bytes, start)),
    fromValues: (values: readonly HessianValue[]) => java.fromArguments(values),
  };
}

function messageResult({ output }: Method, codec: Codec<unknown>) {
  const isVoid = output.fields.length === 0;
  return {
    writeResult: (response: unknown) => (isVoid ? none : codec.encode(response)),
    readResult: (bytes: Uint8Array, start: number) => readMessage(codec, isVoid ? none : bytes, isVoid ? 0 : start),
  };
}

function fieldResult(java: JavaMethod) {
  return {
    writeResult: (response: unknown) => written([java.toResult(response)]),
    readResult: (bytes: Uint8Array, start: number) => java.fromResult(valuesOf(bytes, start)[0] ?? null),
  };
}

/** A message; null is one with nothing in it. */
function readMessage(codec: Codec<unknown>, bytes: Uint8Array, start: number): unknown {
  if (bytes.length === start + 1 && bytes[start] === nullTag) return codec.decode(nothing);
  return codec.decode(bytes, start);
}

function written(values: readonly HessianValue[]): Uint8Array {
  const sink = byteSink();
  const writer = new HessianWriter(sink);
  for (const value of values) writer.value(value);
  return sink.buffer.subarray(0, sink.position);
}

function valuesOf(bytes: Uint8Array, start: number): readonly HessianValue[] {
  const reader = new HessianReader(bytes, start);
  const values: HessianValue[] = [];
  while (!reader.done) values.push(reader.value());
  return values;
}
