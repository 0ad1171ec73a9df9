import { type Caller, type Clock, type Identity, StatusError, unauthenticated } from "@mortise/kernel";
import type * as Jose from "jose";

/** How tokens are made and checked. */
export interface JwtSetup {
  readonly issuer: string;
  readonly audience: string;
  readonly sign?: SignSetup | undefined;
  readonly verify?: VerifySetup | undefined;
}

export interface SignSetup {
  readonly caller: string;
  readonly algorithm: string;
  readonly key: Jose.CryptoKey | Uint8Array;
  readonly keyId?: string | undefined;
  readonly ttlMs: number;
}

export interface VerifySetup {
  readonly algorithms: readonly string[];
  readonly keys: Jose.JWTVerifyGetKey;
  readonly toleranceMs: number;
}

/** Proves callers by tokens in the header `authorization`. A token serves many calls and is renewed at half of its life. */
export function jwtIdentity(jose: typeof Jose, setup: JwtSetup, clock: Clock): Identity {
  const { issuer, audience, sign, verify } = setup;
  const token = sign && renewed(sign.ttlMs / 2, clock, () => signed(jose, setup, sign, clock.wall()));
  return {
    attest: async () => token && { authorization: `Bearer ${await token()}` },
    async verify({ context }) {
      if (!verify)
        throw new StatusError("FAILED_PRECONDITION", "identity/jwt has no option verify: it cannot check tokens");
      const given = context.incoming.get("authorization");
      if (given === undefined) throw unauthenticated("NO_CREDENTIALS", "the call carries no token");
      const [, text] = /^bearer +([\w.-]+)$/i.exec(given) ?? [];
      if (text === undefined)
        throw unauthenticated("BAD_CREDENTIALS", "the header authorization holds no bearer token");
      const found = await jose
        .jwtVerify(text, verify.keys, {
          issuer,
          audience,
          algorithms: [...verify.algorithms],
          requiredClaims: ["sub", "exp"],
          clockTolerance: verify.toleranceMs / 1000,
          currentDate: new Date(clock.wall()),
        })
        .catch((cause: unknown) => {
          throw refusal(cause instanceof jose.errors.JWTExpired);
        });
      return callerOf(found.payload);
    },
  };
}

function refusal(expired: boolean): StatusError {
  return expired
    ? unauthenticated("EXPIRED_CREDENTIALS", "the token of the call has expired")
    : unauthenticated("BAD_CREDENTIALS", "the token of the call is not right");
}

function signed(jose: typeof Jose, { issuer, audience }: JwtSetup, sign: SignSetup, wall: number): Promise<string> {
  const { algorithm, keyId, caller, ttlMs, key } = sign;
  const now = Math.floor(wall / 1000);
  return new jose.SignJWT()
    .setProtectedHeader({ alg: algorithm, ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(caller)
    .setIssuedAt(now)
    .setExpirationTime(now + Math.ceil(ttlMs / 1000))
    .sign(key);
}

/** Makes a value once for all who ask, again after `everyMs`, and again after a failure. */
function renewed<T>(everyMs: number, { now }: Clock, make: () => Promise<T>): () => Promise<T> {
  let made: { readonly value: Promise<T>; readonly until: number } | undefined;
  return () => {
    if (made && now() < made.until) return made.value;
    const value = make();
    made = { value, until: now() + everyMs };
    value.catch(() => {
      made = undefined;
    });
    return value;
  };
}

/** The subject, and every claim that is text. */
function callerOf({ sub = "", ...claims }: Jose.JWTPayload): Caller {
  const texts = Object.entries(claims).filter((claim): claim is [string, string] => typeof claim[1] === "string");
  return { name: sub, claims: Object.fromEntries(texts) };
}
