import { timingSafeEqual } from "node:crypto";
import {
  type Call,
  contextHeaderNames,
  contextHeaders,
  type Identity,
  type Metadata,
  type Ports,
  StatusError,
  unauthenticated,
} from "@mortise/kernel";
import { bodyDigest } from "./digest.ts";
import type { KeyRing } from "./key-ring.ts";
import { nonces } from "./nonces.ts";

export interface HmacOptions {
  readonly maxAgeMs: number;
  readonly maxNonces: number;
  readonly signedHeaders: readonly string[];
}

/** The header with the signature: version, key id, wall time in milliseconds, nonce, HMAC-SHA-256 in base64url. */
const header = "mortise-signature";
const form = /^1;([\w.-]{1,64});(\d{1,16});([0-9a-f]{32});([\w-]{43})$/;

/** What one signature says of itself. */
interface Stamp {
  readonly key: string;
  readonly time: string;
  readonly nonce: string;
}

/**
 * Proves callers by shared secrets. A signature covers the method, the request, tenant, idempotency key and the named
 * headers; it is good for one call and for `maxAgeMs`.
 */
export function hmacIdentity(keys: KeyRing, options: HmacOptions, { clock, ids }: Ports): Identity {
  const { maxAgeMs, maxNonces, signedHeaders } = options;
  const seen = nonces(2 * maxAgeMs, maxNonces); // one from the future is good for as long
  const headersOf = (of: Metadata) => signedHeaders.map((name) => of.getAll(name).map(String));

  return {
    attest(call) {
      if (keys.own === undefined) return undefined;
      const stamp = { key: keys.own, time: `${clock.wall()}`, nonce: ids.hex(16) };
      const { tenant, idempotencyKey, outgoing } = call.context;
      const sent = contextHeaders(call.context)[contextHeaderNames.idempotencyKey] !== undefined;
      const text = signed(call, stamp, [tenant, sent ? idempotencyKey : undefined], headersOf(outgoing));
      const signature = keys.sign(stamp.key, text).toString("base64url");
      return { [header]: `1;${stamp.key};${stamp.time};${stamp.nonce};${signature}` };
    },
    verify(call) {
      const { tenant, idempotencyKey, incoming } = call.context;
      const given = incoming.get(header);
      if (given === undefined) throw unauthenticated("NO_CREDENTIALS", "the call is not signed");
      const [, key = "", time = "", nonce = "", signature = ""] = form.exec(given) ?? [];
      const name = keys.callerOf(key);
      const text = signed(call, { key, time, nonce }, [tenant, idempotencyKey], headersOf(incoming));
      if (!same(keys.sign(key, text), signature) || name === undefined)
        throw unauthenticated("BAD_CREDENTIALS", "the signature of the call is not right");
      if (Math.abs(clock.wall() - Number(time)) >= maxAgeMs)
        throw unauthenticated("EXPIRED_CREDENTIALS", "the signature of the call is not of this time");
      const fresh = seen.take(nonce, clock.now());
      if (fresh === "known") throw unauthenticated("REPLAYED_CREDENTIALS", "the signature of the call was used before");
      if (fresh === "full") throw tooMany();
      return { name, claims: { key } };
    },
  };
}

/** The text that is signed; no two different calls have the same. */
function signed(
  { method, request }: Call,
  { key, time, nonce }: Stamp,
  context: readonly (string | undefined)[],
  headers: readonly (readonly string[])[],
): string {
  const texts = context.map((text) => (text ?? "").toWellFormed());
  return JSON.stringify(["mortise-1", method.path, key, time, nonce, bodyDigest(method, request), texts, headers]);
}

function same(expected: Buffer, given: string): boolean {
  const bytes = Buffer.from(given, "base64url");
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

function tooMany(): StatusError {
  return new StatusError("RESOURCE_EXHAUSTED", "more signed calls than can be kept apart from replays", {
    reason: "REPLAY_MEMORY_FULL",
    retryable: true,
  });
}
