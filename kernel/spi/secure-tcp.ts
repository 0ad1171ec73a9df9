import { connect as connectPlain, createServer as createPlainServer, isIP, type Server, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectSecure, createServer as createSecureServer } from "node:tls";
import { bareHost } from "./listening.ts";
import { readTlsFiles, type TlsMaterial } from "./tls-files.ts";
import type { TlsOptions } from "./tls-options.ts";

/** How connections of a plugin are secured: its options, and what the files they name hold. */
export interface SecureTcp {
  readonly plugin: string;
  readonly options: TlsOptions;
  readonly material: TlsMaterial;
}

/** Reads the certificates; nothing for plain connections. Throws an Error that names plugin, option and file for what cannot be used. */
export function secureTcp(plugin: string, options: TlsOptions | undefined): SecureTcp | undefined {
  return options && { plugin, options, material: readTlsFiles(plugin, options) };
}

/** A server of plain or secured connections. */
export interface TcpServer {
  readonly server: Server;
  /** Cuts what is left of connections, those included that have not come to be secured. */
  destroy(): void;
}

/** How long a client may take to secure its connection, in milliseconds. */
const handshakeMs = 10_000;

/** A server that hands connections over once they are secured. Throws an Error if there is nothing to show to clients. */
export function tcpServer(secure: SecureTcp | undefined, accept: (socket: Socket) => void): TcpServer {
  const sockets = new Set<Socket>();
  const server = secure ? securedServer(secure, accept) : createPlainServer({ noDelay: true }, accept);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return {
    server,
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function securedServer({ plugin, options, material }: SecureTcp, accept: (socket: Socket) => void): Server {
  const { pair, ca } = material;
  if (!pair) throw new Error(`${plugin} cannot listen with TLS: give the options tls.cert and tls.key`);
  const { mutual } = options;
  const auth = { cert: pair.cert, key: pair.key, ...(ca && { ca }), requestCert: mutual, rejectUnauthorized: mutual };
  const server = createSecureServer({ ...auth, handshakeTimeout: handshakeMs, noDelay: true }, accept);
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

/** What a client of secured connections says and checks, for a host as addresses have it. */
export function clientTls({ options, material }: SecureTcp, host: string): ConnectionOptions {
  const { pair, ca } = material;
  const name = options.serverName ?? (isIP(bareHost(host)) === 0 ? host : undefined);
  return {
    ...(ca && { ca }),
    ...(options.mutual && pair && { cert: pair.cert, key: pair.key }),
    ...(name !== undefined && { servername: name }),
  };
}

/** A connection that is being made. */
export interface Connecting {
  readonly socket: Socket;
  /** The event of the socket upon which it can be used. */
  readonly ready: "connect" | "secureConnect";
}

/** Begins to connect to an address, `host:port`. */
export function tcpConnect(address: string, secure: SecureTcp | undefined): Connecting {
  const colon = address.lastIndexOf(":");
  const place = { host: bareHost(address.slice(0, colon)), port: Number(address.slice(colon + 1)), noDelay: true };
  if (!secure) return { socket: connectPlain(place), ready: "connect" };
  return { socket: connectSecure({ ...place, ...clientTls(secure, place.host) }), ready: "secureConnect" };
}
