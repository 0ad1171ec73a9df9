import type { Buffer } from "node:buffer";
import type { Scalar } from "../types.ts";
import { fail } from "./fault.ts";
import { readText } from "./read-text.ts";
import * as read from "./wire-read.ts";
import * as write from "./wire-write.ts";

/** All that the interpreting codec and the JSON mapping know of a scalar type. */
export interface ScalarRules {
  /** What a value must be, for error messages. */
  readonly expected: string;
  readonly test: (value: unknown) => boolean;
  /** The value where it is absent. */
  readonly zero: () => unknown;
  /** Is it that value? Negative zero is not. */
  readonly isZero: (value: unknown) => boolean;
  /** The most bytes a value takes. */
  readonly room: (value: never) => number;
  readonly write: (b: Buffer, position: number, value: never) => number;
  /** Reads one value; `cursor.position` is its end. */
  readonly read: (b: Uint8Array, position: number, end: number) => unknown;
}

const isNumber = (value: unknown) => typeof value === "number";
const int32 = "a whole number from -2147483648 to 2147483647";
const uint32 = "a whole number from 0 to 4294967295";
const isInt32 = (value: unknown) => isNumber(value) && ((value as number) | 0) === value;
const isUint32 = (value: unknown) => isNumber(value) && (value as number) >>> 0 === value;
const int64 = "a bigint from -2^63 to 2^63 - 1";
const uint64 = "a bigint from 0 to 2^64 - 1";
const isInt64 = (value: unknown) => typeof value === "bigint" && BigInt.asIntN(64, value) === value;
const isUint64 = (value: unknown) => typeof value === "bigint" && BigInt.asUintN(64, value) === value;

const number = { zero: () => 0, isZero: (value: unknown) => value === 0 };
const float = { zero: () => 0, isZero: (value: unknown) => Object.is(value, 0) };
const bigint = { zero: () => 0n, isZero: (value: unknown) => value === 0n };

function varint<T>(convert: (low: number) => T) {
  return (b: Uint8Array, position: number, end: number): T => convert(read.readVarint32(b, position, end));
}

function fixed<T>(size: number, reader: (b: Uint8Array, position: number) => T) {
  return (b: Uint8Array, position: number, end: number): T => {
    if (position + size > end) fail("the bytes end in the middle of a value");
    read.cursor.position = position + size;
    return reader(b, position);
  };
}

function measured<T>(reader: (b: Uint8Array, position: number, end: number) => T) {
  return (b: Uint8Array, position: number, end: number): T => {
    const stop = read.readLength(b, position, end);
    const value = reader(b, read.cursor.position, stop);
    read.cursor.position = stop;
    return value;
  };
}

const writeBool = (b: Buffer, position: number, value: boolean) => write.writeVarint32(b, position, value ? 1 : 0);

export const scalarRules: Readonly<Record<Scalar, ScalarRules>> = {
  double: {
    ...float,
    expected: "a number",
    test: isNumber,
    room: () => 8,
    write: write.writeDouble,
    read: fixed(8, read.readDouble),
  },
  float: {
    ...float,
    expected: "a number within the range of float",
    test: write.isFloat,
    room: () => 4,
    write: write.writeFloat,
    read: fixed(4, read.readFloat),
  },
  int32: {
    ...number,
    expected: int32,
    test: isInt32,
    room: () => 10,
    write: write.writeInt32,
    read: varint((low) => low | 0),
  },
  int64: { ...bigint, expected: int64, test: isInt64, room: () => 10, write: write.writeInt64, read: read.readInt64 },
  uint32: {
    ...number,
    expected: uint32,
    test: isUint32,
    room: () => 5,
    write: write.writeVarint32,
    read: varint((low) => low),
  },
  uint64: {
    ...bigint,
    expected: uint64,
    test: isUint64,
    room: () => 10,
    write: write.writeUint64,
    read: read.readUint64,
  },
  sint32: {
    ...number,
    expected: int32,
    test: isInt32,
    room: () => 5,
    write: write.writeSint32,
    read: varint((low) => (low >>> 1) ^ -(low & 1)),
  },
  sint64: {
    ...bigint,
    expected: int64,
    test: isInt64,
    room: () => 10,
    write: write.writeSint64,
    read: read.readSint64,
  },
  fixed32: {
    ...number,
    expected: uint32,
    test: isUint32,
    room: () => 4,
    write: write.writeFixed32,
    read: fixed(4, read.readFixed32),
  },
  fixed64: {
    ...bigint,
    expected: uint64,
    test: isUint64,
    room: () => 8,
    write: write.writeFixed64,
    read: fixed(8, read.readFixed64),
  },
  sfixed32: {
    ...number,
    expected: int32,
    test: isInt32,
    room: () => 4,
    write: write.writeFixed32,
    read: fixed(4, read.readSfixed32),
  },
  sfixed64: {
    ...bigint,
    expected: int64,
    test: isInt64,
    room: () => 8,
    write: write.writeSfixed64,
    read: fixed(8, read.readSfixed64),
  },
  bool: {
    expected: "a boolean",
    test: (value) => typeof value === "boolean",
    zero: () => false,
    isZero: (value) => value === false,
    room: () => 1,
    write: writeBool,
    read: read.readBool,
  },
  string: {
    expected: "a text without lone surrogates",
    test: (value) => typeof value === "string" && value.isWellFormed(),
    zero: () => "",
    isZero: (value) => value === "",
    room: (value: string) => 5 + write.textRoom(value),
    write: write.writeText,
    read: measured(readText),
  },
  bytes: {
    expected: "a Uint8Array",
    test: (value) => value instanceof Uint8Array,
    zero: () => new Uint8Array(0),
    isZero: (value) => (value as Uint8Array).length === 0,
    room: (value: Uint8Array) => 5 + value.length,
    write: write.writeBytes,
    read: measured(read.readBytes),
  },
};
