import type { EnumType, Field, MapKey, MessageType, Presence, Scalar, ValueType } from "./types.ts";

declare const value: unique symbol;

/** A field as written in `message`, before it has a name. `T` is the type of its value, `O` whether it may be left out. */
export interface FieldSpec<T = unknown, O extends boolean = boolean> {
  readonly number: number;
  readonly type: ValueType;
  readonly presence: Presence;
  readonly repeated: boolean;
  readonly mapKey: MapKey | undefined;
  readonly sensitive: boolean;
  /** May the property be left out? */
  readonly omittable: O;
  readonly [value]?: T;
}

/** Alternatives of which at most one is set. */
export interface OneofSpec<F extends Readonly<Record<string, FieldSpec>> = Readonly<Record<string, FieldSpec>>> {
  readonly oneof: F;
}

interface ScalarValues {
  double: number;
  float: number;
  int32: number;
  int64: bigint;
  uint32: number;
  uint64: bigint;
  sint32: number;
  sint64: bigint;
  fixed32: number;
  fixed64: bigint;
  sfixed32: number;
  sfixed64: bigint;
  bool: boolean;
  string: string;
  bytes: Uint8Array;
}

type ValueOf<F> = F extends FieldSpec<infer T> ? T : never;

function spec<T, O extends boolean>(
  number: number,
  type: ValueType,
  presence: Presence,
  omittable: O,
): FieldSpec<T, O> {
  return { number, type, presence, repeated: false, mapKey: undefined, sensitive: false, omittable };
}

function scalar<S extends Scalar>(name: S) {
  const type: ValueType = Object.freeze({ kind: "scalar", scalar: name });
  return (number: number): FieldSpec<ScalarValues[S], false> => spec(number, type, "implicit", false);
}

export const double = scalar("double");
export const float = scalar("float");
export const int32 = scalar("int32");
export const int64 = scalar("int64");
export const uint32 = scalar("uint32");
export const uint64 = scalar("uint64");
export const sint32 = scalar("sint32");
export const sint64 = scalar("sint64");
export const fixed32 = scalar("fixed32");
export const fixed64 = scalar("fixed64");
export const sfixed32 = scalar("sfixed32");
export const sfixed64 = scalar("sfixed64");
export const bool = scalar("bool");
export const string = scalar("string");
export const bytes = scalar("bytes");

/** A field of an enumeration. */
export function field<E extends EnumType>(number: number, type: E): FieldSpec<EnumValue<E>, false>;
/** A field of another message. It may be absent; see {@link required}. Pass a function where messages refer to each other. */
export function field<T>(number: number, type: MessageType<T> | (() => MessageType<T>)): FieldSpec<T, true>;
export function field(number: number, type: MessageType | EnumType | (() => MessageType)): FieldSpec {
  if (typeof type === "function") return spec(number, { kind: "message", message: type }, "optional", true);
  return type.kind === "enum"
    ? spec(number, { kind: "enum", enum: () => type }, "implicit", false)
    : spec(number, { kind: "message", message: () => type }, "optional", true);
}

type EnumValue<E> = E extends { readonly values: infer V } ? V[keyof V] : number;

/** Makes absence of a scalar or enum visible: `undefined` instead of the zero value. */
export function optional<T>(of: FieldSpec<T>): FieldSpec<T, true> {
  return { ...of, presence: "optional", omittable: true } as FieldSpec<T, true>;
}

/** A message that must be there: encoding and decoding without it fail with INVALID_ARGUMENT. */
export function required<T>(of: FieldSpec<T, true>): FieldSpec<T, false> {
  return { ...of, presence: "required", omittable: false } as FieldSpec<T, false>;
}

/** A list. Numbers are packed on the wire, and read both ways. */
export function repeated<T>(of: FieldSpec<T>): FieldSpec<readonly T[], false> {
  return { ...of, presence: "implicit", repeated: true, omittable: false } as unknown as FieldSpec<readonly T[], false>;
}

/** A map; `of` is built with the number of the map itself, for example `map("string", int64(4))`. */
export function map<K extends MapKey, T>(key: K, of: FieldSpec<T>): FieldSpec<ReadonlyMap<ScalarValues[K], T>, false> {
  return { ...of, presence: "implicit", mapKey: key, omittable: false } as unknown as FieldSpec<
    ReadonlyMap<ScalarValues[K], T>,
    false
  >;
}

/** Marks a value that logs, traces and errors must not show. */
export function sensitive<F extends FieldSpec>(of: F): F {
  return { ...of, sensitive: true };
}

/** At most one of several fields: a value is `{ $case: "card", value: … }`, the shape ts-proto gives it too. */
export function oneof<const F extends Readonly<Record<string, FieldSpec>>>(fields: F): OneofSpec<F> {
  return { oneof: fields };
}

export type FieldSpecs = Readonly<Record<string, FieldSpec | OneofSpec>>;

type OneofValue<F> = { [K in keyof F]: { readonly $case: K; readonly value: ValueOf<F[K]> } }[keyof F];

type OmittableKeys<F> = {
  [K in keyof F]: F[K] extends OneofSpec ? K : F[K] extends { readonly omittable: true } ? K : never;
}[keyof F];

type Value<F> = F extends OneofSpec<infer A> ? OneofValue<A> : ValueOf<F>;

type Flat<T> = { [K in keyof T]: T[K] } & {};

/** The type of a complete value of a message with these fields. */
export type Shape<F> = Flat<
  { readonly [K in Exclude<keyof F, OmittableKeys<F>>]: Value<F[K]> } & {
    readonly [K in OmittableKeys<F>]?: Value<F[K]> | undefined;
  }
>;

/** The fields of a message as plain data, in order of declaration. */
export function fieldsOf(specs: FieldSpecs): Field[] {
  return Object.entries(specs).flatMap(([name, given]) =>
    "oneof" in given
      ? Object.entries(given.oneof).map(([member, inner]) => ({
          ...named(member, inner),
          presence: "optional" as const,
          oneof: name,
        }))
      : [named(name, given)],
  );
}

function named(name: string, { number, type, presence, repeated, mapKey, sensitive }: FieldSpec): Field {
  return { name, number, type, presence, repeated, mapKey, oneof: undefined, sensitive };
}
