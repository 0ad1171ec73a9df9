import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

/** The options of protocols that secure their connections: files, or the PEM texts themselves. */
export interface TlsFiles {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
}

/** What the files hold. */
export interface TlsMaterial {
  readonly ca: Buffer | undefined;
  readonly pair: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

/** Reads certificates. Throws an Error that names the plugin, the option and the file for what cannot be read or used. */
export function readTlsFiles(plugin: string, tls: TlsFiles): TlsMaterial {
  const ca = tls.ca === undefined ? undefined : read(plugin, "ca", tls.ca);
  const pair =
    tls.cert && tls.key ? { cert: read(plugin, "cert", tls.cert), key: read(plugin, "key", tls.key) } : undefined;
  check(plugin, { ca, pair });
  return { ca, pair };
}

function read(plugin: string, option: string, value: string): Buffer {
  if (value.includes("-----BEGIN ")) return Buffer.from(value);
  try {
    return readFileSync(value);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${plugin}, option tls.${option}: the file ${value} cannot be read (${code})`);
  }
}

function check(plugin: string, { pair, ca }: TlsMaterial): void {
  if (ca) parsed(plugin, "ca", () => new X509Certificate(ca));
  if (!pair) return;
  const { publicKey } = parsed(plugin, "cert", () => new X509Certificate(pair.cert));
  const key = parsed(plugin, "key", () => createPublicKey(createPrivateKey(pair.key)));
  const [shown, held] = [publicKey, key].map((one) => one.export({ type: "spki", format: "der" }).toString("base64"));
  if (shown !== held) throw new Error(`${plugin}: the options tls.cert and tls.key do not belong together`);
}

function parsed<T>(plugin: string, option: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`${plugin}, option tls.${option}: this is no PEM that can be used (${why})`);
  }
}
