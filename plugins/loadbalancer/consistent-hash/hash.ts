/** Start of a hash. */
export const hashStart = 0x811c9dc5;

const prime = 0x01000193;

/** Adds a text to a hash: FNV-1a over its UTF-16 units. Allocates nothing. */
export function hashText(hash: number, text: string): number {
  let h = hash;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), prime);
  return h;
}

export function hashBytes(hash: number, bytes: Uint8Array): number {
  let h = hash;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ (bytes[i] as number), prime);
  return h;
}

/** Adds a value of a field; what is absent counts as a value of its own. */
export function hashValue(hash: number, value: unknown): number {
  if (typeof value === "string") return hashText(hash, value);
  if (value instanceof Uint8Array) return hashBytes(hash, value);
  return hashText(hash, String(value));
}

/** Spreads a hash evenly over 32 bits (the finalizer of MurmurHash3). */
export function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
