import { Buffer } from "node:buffer";
import { beginsFrame, type FrameHandler, headerBytes, readInt32 } from "./frame.ts";

/** How much is set aside at first for a frame that comes in pieces; it doubles as the bytes come. */
const firstPiece = 4096;

/**
 * Finds the frames in what a connection gives. Frames that lie whole in a chunk are handed over in place; only what is cut
 * in two is copied, into a buffer that grows with what has come, never with what a header claims.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #maxBody: number;
  /** The beginning of a frame of which the rest is still to come. */
  #part: Buffer | undefined = undefined;
  #have = 0;
  /** Bytes of a body too long that are still to come. */
  #skip = 0;
  #broken = false;

  constructor(handler: FrameHandler, maxBodyBytes: number) {
    this.#handler = handler;
    this.#maxBody = maxBodyBytes;
  }

  /** Bytes that are kept for a frame that is not complete. */
  get held(): number {
    return this.#part?.length ?? 0;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#broken) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else at = this.#part ? this.#complete(this.#part, chunk, at) : this.#whole(chunk, at);
    }
  }

  /** Forgets everything and reads no more. */
  stop(): void {
    this.#broken = true;
    this.#part = undefined;
  }

  /** Hands over the frames that lie in the chunk from `at` on; gives where it has come to. */
  #whole(chunk: Buffer, from: number): number {
    let at = from;
    const last = chunk.length;
    while (!this.#broken) {
      if (at === last) return at;
      if (!beginsFrame(chunk, at, last)) return this.#break("what came is no Dubbo frame", last);
      if (last - at < headerBytes) break;
      const length = readInt32(chunk, at + 12);
      if (length < 0) return this.#break("the length of a frame is negative", last);
      const end = at + headerBytes + length;
      if (length > this.#maxBody) {
        this.#skip = length;
        this.#handler.oversized(chunk, at, length);
        return at + headerBytes;
      }
      if (end > last) break;
      this.#handler.frame(chunk, at, end);
      at = end;
    }
    if (!this.#broken) this.#keep(chunk, at);
    return last;
  }

  #keep(chunk: Buffer, at: number): void {
    const have = chunk.length - at;
    this.#part = Buffer.allocUnsafeSlow(Math.max(firstPiece, have));
    chunk.copy(this.#part, 0, at);
    this.#have = have;
  }

  /** Adds to the frame that is not complete; gives where in the chunk it ends. */
  #complete(part: Buffer, chunk: Buffer, from: number): number {
    let at = from;
    let bytes = part;
    if (this.#have < headerBytes) {
      const taken = Math.min(headerBytes - this.#have, chunk.length - at);
      chunk.copy(bytes, this.#have, at, at + taken);
      this.#have += taken;
      at += taken;
      if (!beginsFrame(bytes, 0, this.#have)) return this.#break("what came is no Dubbo frame", chunk.length);
      if (this.#have < headerBytes) return at;
    }
    const length = readInt32(bytes, 12);
    if (length < 0) return this.#break("the length of a frame is negative", chunk.length);
    if (length > this.#maxBody) {
      this.#part = undefined;
      this.#skip = length;
      this.#handler.oversized(bytes, 0, length);
      return at;
    }
    const total = headerBytes + length;
    const taken = Math.min(total - this.#have, chunk.length - at);
    bytes = this.#roomFor(bytes, this.#have + taken, total);
    chunk.copy(bytes, this.#have, at, at + taken);
    this.#have += taken;
    if (this.#have < total) return at + taken;
    this.#part = undefined;
    this.#handler.frame(bytes, 0, total);
    return at + taken;
  }

  #roomFor(part: Buffer, needed: number, total: number): Buffer {
    if (needed <= part.length) return part;
    const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(total, headerBytes), Math.max(needed, part.length * 2)));
    part.copy(grown, 0, 0, this.#have);
    this.#part = grown;
    return grown;
  }

  #break(why: string, end: number): number {
    this.stop();
    this.#handler.malformed(why);
    return end;
  }
}
