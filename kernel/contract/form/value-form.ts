import type { EnumType, MessageType, Scalar } from "../types.ts";

/**
 * How a format of self-describing values (Hessian, MessagePack) expresses each kind of value of a contract. The `read`
 * functions give `undefined` for a value that is not of the kind; the mapping then says where and fails.
 */
export interface ValueForm<V> {
  /** Stands for a field that is not set. */
  readonly absent: V;
  isAbsent(value: V | undefined): boolean;
  /** `value` has been checked. */
  scalar(scalar: Scalar, value: unknown): V;
  /** The mapping checks the range of what this gives. */
  readScalar(scalar: Scalar, value: V): unknown;
  enumeration(type: EnumType, number: number): V;
  readEnumeration(type: EnumType, value: V): number | undefined;
  list(items: readonly V[]): V;
  readList(value: V): readonly V[] | undefined;
  map(entries: readonly (readonly [V, V])[]): V;
  readMap(value: V): Iterable<readonly [V, V]> | undefined;
  object(type: MessageType, fields: readonly (readonly [string, V])[]): V;
  readObject(type: MessageType, value: V): ((field: string) => V | undefined) | undefined;
}
