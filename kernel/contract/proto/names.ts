import type { EnumType } from "../types.ts";

/** `shop.order.v1` of `shop.order.v1.Order.Line`: the leading parts in lower case, all but the last if none is upper. */
export function packageOf(fullName: string): string {
  const parts = fullName.split(".");
  const first = parts.findIndex((part) => /^[A-Z]/.test(part));
  return parts.slice(0, first < 0 ? -1 : first).join(".");
}

/** What follows the package: `Order.Line`. */
export function localName(fullName: string): string {
  const owner = packageOf(fullName);
  return owner === "" ? fullName : fullName.slice(owner.length + 1);
}

/** The last part of a name. */
export const simpleName = (fullName: string): string => fullName.slice(fullName.lastIndexOf(".") + 1);

/** `order_i_d` of `orderID`: each capital becomes `_` and its lower case, so that protoc's JSON name gives it back. */
export const snakeCase = (camel: string): string => camel.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

/** `HTTP_STATUS` of `HTTPStatus`: the prefix of an enumeration's values, by the rule of `buf lint`. */
export const upperSnakeCase = (pascal: string): string =>
  pascal
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replace(/([A-Z0-9])([A-Z][a-z])/g, "$1_$2")
    .toUpperCase();

/** protoc's JSON name of a field: `_` goes away and what follows it becomes a capital. */
export const jsonName = (snake: string): string => snake.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());

/** `ORDER_STATUS_PLACED`: an enumeration's value in `.proto` files and JSON. */
export function enumValueName({ name, unprefixed }: EnumType, value: string): string {
  return unprefixed ? value : `${upperSnakeCase(simpleName(name))}_${value}`;
}
