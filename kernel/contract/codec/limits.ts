/** What one decoding may cost. A message beyond a limit fails with INVALID_ARGUMENT. */
export interface DecodeLimits {
  /** Messages (and unknown groups) inside each other, the outermost included. */
  readonly maxDepth: number;
  /** Bytes of one encoded message. */
  readonly maxBytes: number;
  /** Estimated bytes of memory for the decoded value: two bytes on the wire may otherwise become a hundred in memory. */
  readonly maxHeapBytes: number;
}

/** The limits of every codec unless others are given to `limitedCodec`. The depth is that of ts-proto and protobuf for C++. */
export const decodeLimits: DecodeLimits = Object.freeze({
  maxDepth: 100,
  maxBytes: 64 * 1024 * 1024,
  maxHeapBytes: 128 * 1024 * 1024,
});

// Estimates for a 64-bit V8, in bytes. They need only the right order of magnitude.

/** A message object with this many properties. */
export const messageCost = (properties: number): number => 24 + 8 * properties;
/** One entry of a map. */
export const mapEntryCost = 56;
/** One element of a list, its value not included. */
export const elementCost = 8;
/** A string or bytes object beside its content. */
export const textCost = 24;
/** A 64-bit integer in a list. */
export const bigintCost = 32;
