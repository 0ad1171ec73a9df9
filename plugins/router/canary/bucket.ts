/**
 * A number from 0 to 100, exclusive, evenly spread over keys: 32-bit FNV-1a (Fowler, Noll, Vo) of the UTF-16 units, with the
 * finaliser of MurmurHash3 (Appleby) because FNV alone leaves similar keys close together.
 */
export function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000) * 100;
}
