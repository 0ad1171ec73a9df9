import { readFile } from "node:fs/promises";
import type * as Jose from "jose";

/** Where a key comes from. */
export interface KeySource {
  readonly keyFile?: string | undefined;
  readonly secret?: string | undefined;
  readonly jwksFile?: string | undefined;
}

type Algorithm = "HS256" | "RS256" | "EdDSA";

/** Reads the key that signs. Rejects with a TypeError that says what is wrong, never what the key is. */
export async function signingKey(
  jose: typeof Jose,
  source: KeySource & { readonly algorithm: Algorithm },
): Promise<Jose.CryptoKey | Uint8Array> {
  one("sign", source);
  if (source.algorithm === "HS256") return secretOf("sign", source);
  const pem = await fileOf("sign", source.keyFile, `${source.algorithm} takes a keyFile`);
  return readable("sign", () => jose.importPKCS8(pem, source.algorithm));
}

/** Reads the keys that check. */
export async function verifyingKeys(
  jose: typeof Jose,
  source: KeySource & { readonly algorithms: readonly Algorithm[] },
): Promise<Jose.JWTVerifyGetKey> {
  one("verify", source);
  const symmetric = source.algorithms.includes("HS256");
  if (symmetric && source.algorithms.length > 1 && source.jwksFile === undefined)
    throw wrong("verify", "HS256 shares no key with other algorithms; name one algorithm, or a jwksFile");
  if (source.jwksFile !== undefined) {
    const text = await fileOf("verify", source.jwksFile, "");
    return readable("verify", async () => jose.createLocalJWKSet(JSON.parse(text) as Jose.JSONWebKeySet));
  }
  if (symmetric) {
    const key = await secretOf("verify", source);
    return async () => key;
  }
  const pem = await fileOf("verify", source.keyFile, "give a keyFile or a jwksFile");
  const [algorithm = "RS256", another] = source.algorithms;
  if (another !== undefined) throw wrong("verify", "a keyFile holds one key of one algorithm; name one, or a jwksFile");
  const key = await readable("verify", () => jose.importSPKI(pem, algorithm));
  return async () => key;
}

function one(part: string, { keyFile, secret, jwksFile }: KeySource): void {
  if ([keyFile, secret, jwksFile].filter((source) => source !== undefined).length !== 1)
    throw wrong(part, "give exactly one place the key comes from");
}

async function secretOf(part: string, { secret, keyFile }: KeySource): Promise<Uint8Array> {
  const text = secret ?? (await fileOf(part, keyFile, "give a secret or a keyFile")).trim();
  if (text.length < 32) throw wrong(part, "the secret is shorter than 32 characters");
  return new TextEncoder().encode(text);
}

async function fileOf(part: string, file: string | undefined, advice: string): Promise<string> {
  if (file === undefined) throw wrong(part, advice);
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw wrong(part, `the key cannot be read from ${file}`, cause);
  }
}

async function readable<T>(part: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw wrong(part, "the file holds no key of this kind", cause);
  }
}

function wrong(part: string, why: string, cause?: unknown): TypeError {
  return new TypeError(`identity/jwt, ${part}: ${why}`, { cause });
}
