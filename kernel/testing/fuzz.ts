import { memoryUsage } from "node:process";
import { virtualPorts } from "./virtual-ports.ts";

/** A decoder to be fed with bytes that were valid before they were changed. */
export interface FuzzTarget {
  /** Valid inputs, as different as possible. */
  readonly seeds: readonly Uint8Array[];
  /** Takes one input. Throws what a decoder must not: anything but its usual refusal. True: the input was taken. */
  feed(bytes: Uint8Array): boolean | Promise<boolean>;
  /** How many inputs may be under way where `feed` takes its time. Default 1. */
  readonly atOnce?: number;
  /** Called now and then, for targets whose work goes on after `feed`. */
  settle?(): Promise<void>;
  /** Called at the end, for targets that hold something. */
  end?(): Promise<void>;
}

export interface FuzzOptions {
  readonly runs: number;
  /** The same seed gives the same inputs. Default 1. */
  readonly seed?: number;
}

/** What came of it. */
export interface FuzzResult {
  readonly runs: number;
  readonly taken: number;
  readonly refused: number;
  /** The most memory that was in use beyond that of the beginning, in bytes, of what the decoder has made. */
  readonly peakBytes: number;
}

/** Inputs between two looks at memory. */
const stride = 5000;
/** Numbers that lengths, counts and tags are likely to be mistaken about. */
const telling = [0, 1, 2, 0x0f, 0x10, 0x20, 0x4e, 0x5a, 0x7f, 0x80, 0x81, 0xbb, 0xc0, 0xda, 0xfe, 0xff];

/** Feeds a target with mutated inputs. Rejects with an Error that has the input in hex when it misbehaves. */
export async function fuzz(target: FuzzTarget, { runs, seed = 1 }: FuzzOptions): Promise<FuzzResult> {
  const { random } = virtualPorts({ seed });
  const below = (limit: number) => Math.floor(random() * limit);
  const began = used();
  const underWay = new Set<Promise<void>>();
  let taken = 0;
  let peakBytes = 0;
  const count = (isTaken: boolean) => {
    if (isTaken) taken++;
  };
  for (let run = 0; run < runs; run++) {
    const input = mutated(target.seeds, below);
    const misbehaved = (error: unknown) => {
      const hex = Buffer.from(input.subarray(0, 4096)).toString("hex");
      throw new Error(`input ${run} of seed ${seed} was not refused as it should be: ${hex}`, { cause: error });
    };
    const fed = attempt(() => target.feed(input), misbehaved);
    if (typeof fed === "boolean") count(fed);
    else {
      const done = fed.then(count, misbehaved).finally(() => underWay.delete(done));
      underWay.add(done);
      if (underWay.size >= (target.atOnce ?? 1)) await Promise.race(underWay);
    }
    if (run % stride !== stride - 1) continue;
    await target.settle?.();
    peakBytes = Math.max(peakBytes, used() - began);
  }
  await Promise.all(underWay);
  await target.settle?.();
  await target.end?.();
  return { runs, taken, refused: runs - taken, peakBytes };
}

function attempt<T>(work: () => T, failed: (error: unknown) => never): T {
  try {
    return work();
  } catch (error) {
    return failed(error);
  }
}

function used(): number {
  const { heapUsed, external } = memoryUsage();
  return heapUsed + external;
}

type Below = (limit: number) => number;

/** One of the seeds with up to four changes. */
function mutated(seeds: readonly Uint8Array[], below: Below): Uint8Array {
  const any = () => seeds[below(seeds.length)] as Uint8Array;
  let bytes: Uint8Array = Uint8Array.from(any());
  for (let changes = below(4) + 1; changes > 0; changes--) bytes = changed(bytes, any(), below);
  return bytes;
}

function changed(bytes: Uint8Array, other: Uint8Array, below: Below): Uint8Array {
  const at = below(bytes.length + 1);
  switch (below(7)) {
    case 0:
      return replaced(bytes, at, below(256));
    case 1:
      return replaced(bytes, at, telling[below(telling.length)] ?? 0);
    case 2:
      return replaced(bytes, at, (bytes[at] ?? 0) ^ (1 << below(8)));
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return joined(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + below(8))));
    case 5: {
      const from = below(other.length + 1);
      return joined(bytes.subarray(0, at), other.subarray(from, from + below(64)), bytes.subarray(at));
    }
    default:
      return joined(bytes.subarray(0, at), other.subarray(below(other.length + 1)));
  }
}

function replaced(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (at < copy.length) copy[at] = byte;
  return copy;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
