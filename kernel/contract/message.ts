import { type FieldSpecs, fieldsOf, type Shape } from "./fields.ts";
import type { EnumType, Field, MessageType } from "./types.ts";

/** A mistake in a declaration; thrown while the declaring module loads. */
export class ContractError extends Error {
  override readonly name = "ContractError";
}

const fullName = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.[A-Z][A-Za-z0-9]*(\.[A-Z][A-Za-z0-9]*)*$/;
const propertyName = /^[a-z][a-zA-Z0-9]*$/;
export const maxFieldNumber = 536_870_911;

/**
 * Declares a message. Throws a {@link ContractError} for a bad or repeated name or number.
 * @param name fully qualified, for example `shop.inventory.v1.Line`
 */
export function message<const F extends FieldSpecs>(name: string, specs: F): MessageType<Shape<F>> {
  if (!fullName.test(name)) {
    throw new ContractError(`message "${name}": use a package and a name, for example "shop.inventory.v1.Line"`);
  }
  const fields = Object.freeze(fieldsOf(specs).map((field) => Object.freeze(field)));
  const oneofs = Object.freeze(Object.keys(specs).filter((key) => "oneof" in (specs[key] ?? {})));
  for (const oneof of oneofs) checkOneof(name, oneof, specs[oneof]);
  checkFields(name, fields, oneofs);
  return Object.freeze({ kind: "message", name, fields, oneofs });
}

/**
 * Declares an enumeration. The result carries its values as properties: `OrderStatus.PLACED`.
 * Throws a {@link ContractError} if the first value is not 0 (proto3's rule) or a number repeats.
 */
export function enumeration<const V extends Readonly<Record<string, number>>>(
  name: string,
  values: V,
): V & { readonly kind: "enum"; readonly name: string; readonly values: V } {
  if (!fullName.test(name)) {
    throw new ContractError(`enum "${name}": use a package and a name, for example "shop.order.v1.Status"`);
  }
  const numbers = Object.values(values);
  if (numbers[0] !== 0) throw new ContractError(`enum ${name}: the first value must be 0, it is what absent means`);
  for (const [key, number] of Object.entries(values)) {
    if (!/^[A-Z][A-Z0-9_]*$/.test(key)) throw new ContractError(`enum ${name}: write value "${key}" in UPPER_SNAKE`);
    if (!Number.isInteger(number) || (number | 0) !== number)
      throw new ContractError(`enum ${name}: ${key} must be a 32-bit integer`);
    if (numbers.indexOf(number) !== numbers.lastIndexOf(number))
      throw new ContractError(`enum ${name}: number ${number} is used twice`);
  }
  return Object.freeze({ ...values, kind: "enum" as const, name, values: Object.freeze(values) } satisfies EnumType &
    V);
}

function checkOneof(message: string, name: string, spec: FieldSpecs[string] | undefined): void {
  const members = Object.entries(spec && "oneof" in spec ? spec.oneof : {});
  if (members.length === 0)
    throw new ContractError(`message ${message}, oneof ${name}: declare at least one alternative`);
  for (const [member, { repeated, mapKey, presence }] of members) {
    const wrong = (why: string) => new ContractError(`message ${message}, field ${member}: ${why}`);
    if (repeated || mapKey) throw wrong(`a list or map cannot be an alternative of ${name}; put it into a message`);
    if (presence === "required") throw wrong(`an alternative of ${name} cannot be required`);
  }
}

function checkFields(message: string, fields: readonly Field[], oneofs: readonly string[]): void {
  const names = new Set(oneofs);
  const numbers = new Map<number, string>();
  for (const { name, number, repeated, mapKey, presence } of fields) {
    const wrong = (why: string) => new ContractError(`message ${message}, field ${name}: ${why}`);
    if (!propertyName.test(name)) throw wrong("write the name in lowerCamelCase");
    if (names.has(name)) throw wrong("the name is used twice");
    if (repeated && mapKey) throw wrong("lists and maps cannot stand in each other; put the inner one into a message");
    if (presence !== "implicit" && (repeated || mapKey))
      throw wrong("a list or map is never absent, only empty; leave out optional and required");
    if (!Number.isInteger(number) || number < 1 || number > maxFieldNumber)
      throw wrong(`number ${number} is not between 1 and ${maxFieldNumber}`);
    if (number >= 19_000 && number <= 19_999) throw wrong("numbers 19000 to 19999 are reserved by protobuf");
    const other = numbers.get(number);
    if (other !== undefined) throw wrong(`number ${number} is already that of ${other}`);
    names.add(name);
    numbers.set(number, name);
  }
}
