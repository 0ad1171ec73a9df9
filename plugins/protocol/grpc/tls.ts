import { ChannelCredentials, type ChannelOptions, ServerCredentials } from "@grpc/grpc-js";
import { readTlsFiles, type TlsMaterial } from "@mortise/kernel/spi/tls-files";
import type { GrpcOptions } from "./options.ts";

/** How connections are secured, for both sides. */
export interface Credentials {
  /** Throws an Error if nothing can be shown to callers. */
  server(): ServerCredentials;
  readonly client: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
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
  const { ca, pair } = readTlsFiles("protocol/grpc", tls);
  const name = tls.serverName;
  return {
    server: () => serverCredentials(pair, ca, tls.mutual),
    client: ChannelCredentials.createSsl(ca, ...(tls.mutual && pair ? [pair.key, pair.cert] : [])),
    channelOptions: name ? { "grpc.ssl_target_name_override": name, "grpc.default_authority": name } : {},
  };
}

/** The first argument is never null: Deno's handshake fails without one, and it means nothing unless callers are asked. */
function serverCredentials(pair: TlsMaterial["pair"], ca: Buffer | undefined, mutual: boolean): ServerCredentials {
  if (!pair) throw new Error("protocol/grpc cannot listen with TLS: give the options tls.cert and tls.key");
  return ServerCredentials.createSsl(ca ?? pair.cert, [{ cert_chain: pair.cert, private_key: pair.key }], mutual);
}
