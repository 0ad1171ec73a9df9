import { StatusError } from "../../call/status.ts";
import type { FuzzTarget } from "../../testing/fuzz.ts";
import { byteSink } from "../codec/sink.ts";
import {
  HessianDouble,
  type HessianMap,
  HessianObject,
  HessianReader,
  type HessianValue,
  HessianWriter,
} from "./index.ts";

const shared: HessianMap = new Map<HessianValue, HessianValue>([["a", 1]]);
const typed: HessianMap = new Map<HessianValue, HessianValue>([[1, "b"]]);
typed.hessianType = "java.util.TreeMap";

const values: readonly HessianValue[] = [
  [null, true, 47, 2000, 1 << 30, 15n, 1n << 40n, 0.5, new HessianDouble(1), new Date(5), new Date(60_000)],
  "text ".repeat(300),
  ["é".repeat(40), "😀", "a".repeat(0x8001)],
  new Uint8Array(2000),
  [shared, shared, typed, [typed]],
  new HessianObject(
    "example.Car",
    new Map<string, HessianValue>([
      ["model", "a"],
      ["parts", [new HessianObject("B")]],
    ]),
  ),
  [new HessianObject("A"), new HessianObject("A"), new HessianObject("C", new Map([["x", 1]]))],
];

/** The reader of values, which must refuse with INVALID_ARGUMENT. */
export const target: FuzzTarget = {
  seeds: values.map((value) => {
    const sink = byteSink();
    new HessianWriter(sink).value(value);
    return sink.buffer.slice(0, sink.position);
  }),
  feed(bytes) {
    try {
      new HessianReader(bytes).value();
      return true;
    } catch (error) {
      if (error instanceof StatusError && error.code === "INVALID_ARGUMENT") return false;
      throw error;
    }
  },
};
