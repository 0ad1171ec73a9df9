/**
 * A value as Hessian 2.0 knows it, in JavaScript: int and double are numbers, long is bigint, date is a Date, binary is
 * a Uint8Array, a list is an array, a map is a Map, an object is a {@link HessianObject}. Values that were written once
 * and referred to again are the same object.
 */
export type HessianValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | HessianDouble
  | HessianList
  | HessianMap
  | HessianObject;

/** An array that may carry the type its writer gave it, for example `java.util.ArrayList` or `[string`. */
export interface HessianList extends Array<HessianValue> {
  hessianType?: string;
}

/** A Map that may carry the type its writer gave it, for example `java.util.TreeMap`. */
export interface HessianMap extends Map<HessianValue, HessianValue> {
  hessianType?: string;
}

/** An instance of a class: its name and its fields. Nothing is ever made from the name. */
export class HessianObject {
  readonly className: string;
  readonly fields: Map<string, HessianValue>;

  constructor(className: string, fields: Map<string, HessianValue> = new Map()) {
    this.className = className;
    this.fields = fields;
  }
}

/** Says that a number is to be written as a double though it has no fraction. Reading gives plain numbers. */
export class HessianDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}
