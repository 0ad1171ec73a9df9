import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { ChannelCredentials, type ChannelOptions, ServerCredentials } from "@grpc/grpc-js";
import type { GrpcOptions } from "./options.ts";

/** How connections are secured, for both sides. */
export interface Credentials {
  /** Throws an Error if nothing can be shown to callers. */
  server(): ServerCredentials;
  readonly client: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads the certificates. Throws an Error that names the option and the file for what cannot be read or used. */
export function credentials({ tls }: Pick<GrpcOptions, "tls">): Credentials {
  if (!tls) {
    return {
      server: () => ServerCredentials.createInsecure(),
      client: ChannelCredentials.createInsecure(),
      channelOptions: {},
    };
  }
  const ca = tls.ca === undefined ? undefined : read("ca", tls.ca);
  const pair = tls.cert && tls.key ? { cert: read("cert", tls.cert), key: read("key", tls.key) } : undefined;
  check(pair, ca);
  const name = tls.serverName;
  return {
    server: () => serverCredentials(pair, ca, tls.mutual),
    client: ChannelCredentials.createSsl(ca, ...(tls.mutual && pair ? [pair.key, pair.cert] : [])),
    channelOptions: name ? { "grpc.ssl_target_name_override": name, "grpc.default_authority": name } : {},
  };
}

/** The first argument is never null: Deno's handshake fails without one, and it means nothing unless callers are asked. */
function serverCredentials(pair: Pair | undefined, ca: Buffer | undefined, mutual: boolean): ServerCredentials {
  if (!pair) throw new Error("protocol/grpc cannot listen with TLS: give the options tls.cert and tls.key");
  return ServerCredentials.createSsl(ca ?? pair.cert, [{ cert_chain: pair.cert, private_key: pair.key }], mutual);
}

function read(option: string, value: string): Buffer {
  if (value.includes("-----BEGIN ")) return Buffer.from(value);
  try {
    return readFileSync(value);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`protocol/grpc, option tls.${option}: the file ${value} cannot be read (${code})`);
  }
}

function check(pair: Pair | undefined, ca: Buffer | undefined): void {
  if (ca) parsed("ca", () => new X509Certificate(ca));
  if (!pair) return;
  const { publicKey } = parsed("cert", () => new X509Certificate(pair.cert));
  const key = parsed("key", () => createPublicKey(createPrivateKey(pair.key)));
  const [shown, held] = [publicKey, key].map((one) => one.export({ type: "spki", format: "der" }).toString("base64"));
  if (shown !== held) throw new Error("protocol/grpc: the options tls.cert and tls.key do not belong together");
}

function parsed<T>(option: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`protocol/grpc, option tls.${option}: this is no PEM that can be used (${why})`);
  }
}
