import { type StatusError, statusData, statusFromData } from "@mortise/kernel";

/** What is kept under an idempotency key, with the digest of the request it was first used for. */
export type Kept =
  | { readonly state: "pending"; readonly digest: string }
  | { readonly state: "done"; readonly digest: string; readonly response: Uint8Array }
  | { readonly state: "failed"; readonly digest: string; readonly error: StatusError };

/** Writes it: a line of JSON, then the response. */
export function write(kept: Kept): Uint8Array {
  const { state, digest } = kept;
  const rest = kept.state === "failed" ? { error: statusData(kept.error) } : {};
  const head = Buffer.from(`${JSON.stringify({ state, digest, ...rest })}\n`);
  return kept.state === "done" ? Buffer.concat([head, kept.response]) : head;
}

/** Reads it. Throws for bytes that are none. */
export function read(bytes: Uint8Array): Kept {
  const end = bytes.indexOf(10);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as Readonly<Record<string, unknown>>;
  const digest = String(head.digest);
  if (head.state === "done") return { state: "done", digest, response: bytes.subarray(end + 1) };
  if (head.state === "failed") return { state: "failed", digest, error: statusFromData(head.error) };
  return { state: "pending", digest };
}
