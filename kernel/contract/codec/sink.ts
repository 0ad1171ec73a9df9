import { Buffer } from "node:buffer";
import type { ByteSink } from "../types.ts";

/** A sink that is used again and again: set `position` to 0 and the memory of the last message serves the next one. */
export function byteSink(capacity = 1024): ByteSink {
  return {
    buffer: Buffer.allocUnsafeSlow(capacity),
    position: 0,
    reserve(bytes) {
      const needed = this.position + bytes;
      if (needed <= this.buffer.length) return;
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
      grown.set(this.buffer.subarray(0, this.position));
      this.buffer = grown;
    },
  };
}
