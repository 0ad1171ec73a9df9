import { Buffer } from "node:buffer";
import type { ByteSink } from "../types.ts";

const slabBytes = 16 * 1024;
/** A message this small becomes a view of the slab, a larger one a copy of its own. */
const viewBytes = 4 * 1024;
/** Room below which a new slab is begun. */
const leastRoom = 1024;
const keptScratchBytes = 1024 * 1024;

/**
 * Makes right-sized byte arrays. Small ones are views of a shared slab whose memory is never written twice (what Node's
 * own Buffer pool does); large ones are encoded in a scratch buffer and copied out.
 */
export interface Pool {
  readonly sink: ByteSink;
  /** Prepares the sink for one message. Every `begin` is followed by `take` or `drop`. */
  begin(): void;
  /** The bytes written since `begin`. */
  take(): Uint8Array;
  /** Forgets what was written since `begin`. */
  drop(): void;
}

export function pool(): Pool {
  let slab = Buffer.allocUnsafeSlow(slabBytes);
  let scratch = Buffer.alloc(0);
  let start = 0;
  const sink: ByteSink = {
    buffer: slab,
    position: 0,
    reserve(bytes) {
      const needed = sink.position + bytes;
      if (needed <= sink.buffer.length) return;
      const written = sink.buffer.subarray(start, sink.position);
      if (scratch.length < needed)
        scratch = Buffer.allocUnsafeSlow(Math.max(needed, scratch.length * 2, 4 * slabBytes));
      scratch.set(written, start);
      sink.buffer = scratch;
    },
  };
  const rewind = () => {
    sink.buffer = slab;
    sink.position = start;
    if (scratch.length > keptScratchBytes) scratch = Buffer.alloc(0);
  };
  return {
    sink,
    begin() {
      if (slab.length - sink.position < leastRoom) {
        slab = Buffer.allocUnsafeSlow(slabBytes);
        sink.buffer = slab;
        sink.position = 0;
      }
      start = sink.position;
    },
    take() {
      const { buffer, position } = sink;
      const view = new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset + start, position - start);
      if (buffer === slab && view.length <= viewBytes) return view;
      const copy = new Uint8Array(view);
      rewind();
      return copy;
    },
    drop: rewind,
  };
}
