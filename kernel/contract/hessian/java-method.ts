import type { MessageType, Method } from "../types.ts";
import type { HessianValues } from "./serializer.ts";
import { HessianObject, type HessianValue } from "./value.ts";

/** How a service looks to Java where it is not as usual. */
export interface JavaServiceOptions {
  readonly interface?: string | undefined;
  readonly group?: string | undefined;
  readonly version?: string | undefined;
  readonly arguments?: "message" | "fields" | undefined;
  readonly result?: "message" | "field" | undefined;
  readonly oneway?: boolean | undefined;
  /** By TypeScript name. */
  readonly methods?: Readonly<Record<string, JavaMethodOptions>> | undefined;
  /** Java exceptions by reason. */
  readonly exceptions?: Readonly<Record<string, string>> | undefined;
}

export interface JavaMethodOptions {
  readonly name?: string | undefined;
  readonly arguments?: "message" | "fields" | undefined;
  readonly result?: "message" | "field" | undefined;
  readonly parameters?: readonly string[] | undefined;
  readonly oneway?: boolean | undefined;
}

/** A method of a contract as Java sees it. */
export interface JavaMethod {
  readonly method: Method;
  readonly interface: string;
  readonly group: string;
  readonly version: string;
  readonly name: string;
  /** As the JVM writes it: `Ljava/lang/String;J`. */
  readonly descriptor: string;
  readonly parameters: readonly string[];
  readonly oneway: boolean;
  /** Java exceptions by reason. */
  readonly exceptions: Readonly<Record<string, string>>;
  /** Throw INVALID_ARGUMENT for what does not fit the contract. */
  toArguments(request: unknown): readonly HessianValue[];
  fromArguments(values: readonly HessianValue[]): unknown;
  toResult(response: unknown): HessianValue;
  fromResult(value: HessianValue): unknown;
}

const nothing: readonly HessianValue[] = Object.freeze([]);

/** How a method looks to Java with the options of a plugin. Throws an Error that names the option where the two do not fit. */
export function javaMethod(
  plugin: string,
  method: Method,
  values: HessianValues,
  options: JavaServiceOptions = {},
): JavaMethod {
  const own = options.methods?.[method.name];
  const { input, output } = method;
  const spread = (own?.arguments ?? options.arguments) === "fields" || input.fields.length === 0;
  const unwrap = (own?.result ?? options.result) === "field" && output.fields.length > 0;
  if (unwrap && output.fields.length > 1) {
    throw new Error(
      `${plugin} cannot give the only field of ${output.name} as the result of ${method.path}: it has ${output.fields.length}; set result: message for this method`,
    );
  }
  const usual = spread ? input.fields.map((field) => values.typeOf(input, field)) : [values.classOf(input)];
  const parameters = own?.parameters ?? usual;
  if (parameters.length !== usual.length) {
    throw new Error(
      `${plugin} cannot give ${method.path} the parameters ${parameters.join(", ")}: it has ${usual.length} of them (${usual.join(", ")})`,
    );
  }
  return {
    method,
    interface: options.interface ?? method.service,
    group: options.group ?? "",
    version: options.version ?? "",
    name: own?.name ?? method.name,
    parameters,
    descriptor: parameters.map(descriptorOf).join(""),
    oneway: own?.oneway ?? options.oneway ?? false,
    exceptions: options.exceptions ?? {},
    ...(spread ? spreading(input, values) : whole(input, values)),
    ...(unwrap ? unwrapping(output, values) : wholeResult(output, values)),
  };
}

function whole(input: MessageType, values: HessianValues) {
  const { toValue, fromValue } = values.of(input);
  return {
    toArguments: (request: unknown) => [toValue(request)],
    fromArguments: ([value = null]: readonly HessianValue[]) => fromValue(value ?? empty()),
  };
}

function spreading(input: MessageType, values: HessianValues) {
  const { toValue, fromValue } = values.of(input);
  const names = input.fields.map(({ name }) => name);
  return {
    toArguments: (request: unknown) => (names.length === 0 ? nothing : [...fieldsOf(toValue(request)).values()]),
    fromArguments: (args: readonly HessianValue[]) =>
      fromValue(new HessianObject(input.name, new Map(names.map((name, i) => [name, args[i] ?? null])))),
  };
}

function wholeResult(output: MessageType, values: HessianValues) {
  const { toValue, fromValue } = values.of(output);
  const none = output.fields.length === 0;
  return {
    toResult: (response: unknown) => {
      const value = toValue(response);
      return none ? null : value;
    },
    fromResult: (value: HessianValue) => fromValue(none ? empty() : (value ?? empty())),
  };
}

function unwrapping(output: MessageType, values: HessianValues) {
  const { toValue, fromValue } = values.of(output);
  const name = output.fields[0]?.name ?? "";
  return {
    toResult: (response: unknown) => fieldsOf(toValue(response)).get(name) ?? null,
    fromResult: (value: HessianValue) => fromValue(new HessianObject(output.name, new Map([[name, value]]))),
  };
}

function empty(): HessianObject {
  return new HessianObject("");
}

function fieldsOf(value: HessianValue): ReadonlyMap<string, HessianValue> {
  return value instanceof HessianObject ? value.fields : new Map([["value", value]]);
}

const primitives: Readonly<Record<string, string>> = {
  void: "V",
  boolean: "Z",
  byte: "B",
  char: "C",
  double: "D",
  float: "F",
  int: "I",
  long: "J",
  short: "S",
};

/** The JVM's descriptor of a type as Java writes it; type arguments have no place in it. */
export function descriptorOf(javaType: string): string {
  const type = javaType.replace(/<.*>/, "").trim();
  if (type.endsWith("[]")) return `[${descriptorOf(type.slice(0, -2))}`;
  return primitives[type] ?? `L${type.replaceAll(".", "/")};`;
}

/** How many parameters a descriptor has; nothing where it is malformed. */
export function countParameters(descriptor: string): number | undefined {
  const found = descriptor.match(/\[*(?:[ZBCDFIJSV]|L[^;]+;)/g) ?? [];
  return found.join("") === descriptor ? found.length : undefined;
}
