import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";

/** A key as the options give it. */
export interface KeyOptions {
  readonly caller: string;
  readonly secret?: string | undefined;
  readonly secretFile?: string | undefined;
}

/** The keys this process knows. */
export interface KeyRing {
  /** The id of the key that signs; nothing when none does. */
  readonly own: string | undefined;
  callerOf(id: string): string | undefined;
  /** The signature of a text, 32 bytes. An unknown key gives one that nobody can guess, in the same time. */
  sign(id: string, text: string): Buffer;
}

const shortest = 32;

/** Reads the secrets. Rejects with a TypeError that says which key is wrong, never what it is. */
export async function keyRing(keys: Readonly<Record<string, KeyOptions>>, own: string | undefined): Promise<KeyRing> {
  const entries = Object.entries(keys).map(
    async ([id, key]) => [id, { caller: key.caller, secret: await secretOf(id, key) }] as const,
  );
  const byId = new Map(await Promise.all(entries));
  if (own !== undefined && !byId.has(own)) {
    throw new TypeError(`identity/hmac: signWith names the key "${own}"; there are: ${[...byId.keys()].join(", ")}`);
  }
  const nobody = createSecretKey(randomBytes(32));
  return {
    own,
    callerOf: (id) => byId.get(id)?.caller,
    sign: (id, text) =>
      createHmac("sha256", byId.get(id)?.secret ?? nobody)
        .update(text)
        .digest(),
  };
}

async function secretOf(id: string, { secret, secretFile }: KeyOptions): Promise<KeyObject> {
  const text = secret ?? (await contents(id, secretFile ?? "")).trim();
  if (text.length < shortest)
    throw new TypeError(`identity/hmac: the secret of key "${id}" is shorter than ${shortest} characters`);
  return createSecretKey(Buffer.from(text));
}

async function contents(id: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new TypeError(`identity/hmac: the secret of key "${id}" cannot be read from its file`, { cause });
  }
}
