import type { EtcdReply } from "./etcd-client.ts";

/** Keys as etcd's JSON gateway takes them: base64. */
export interface KeyRange {
  readonly key: string;
  readonly range_end: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** The revision of the last change. */
  readonly modified: bigint;
}

/** Bytes as the gateway writes them. */
export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** Every key that begins with a text that ends in a character of ASCII. */
export function beginningWith(start: string): KeyRange {
  const last = start.charCodeAt(start.length - 1);
  return { key: base64(start), range_end: base64(start.slice(0, -1) + String.fromCharCode(last + 1)) };
}

export function recordOf(value: unknown): EtcdReply {
  return typeof value === "object" && value !== null ? (value as EtcdReply) : {};
}

export function listOf(value: unknown): readonly EtcdReply[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

/** A 64-bit number, which the gateway writes as text and leaves out when it is 0. */
export function numberOf(value: unknown): bigint {
  return typeof value === "string" && /^\d+$/.test(value) ? BigInt(value) : 0n;
}

/** The revision of the store when this was answered. */
export function revisionOf(reply: EtcdReply): bigint {
  return numberOf(recordOf(reply.header).revision);
}

export function keyValue({ key, value, mod_revision }: EtcdReply): KeyValue {
  const text = (bytes: unknown) => Buffer.from(typeof bytes === "string" ? bytes : "", "base64").toString();
  return { key: text(key), value: text(value), modified: numberOf(mod_revision) };
}
