import { createServer, type Server as HttpServer } from "node:http";
import { createServer as createHttp2Server, createSecureServer, type ServerHttp2Session } from "node:http2";
import { createServer as createNetServer, type Server, type Socket } from "node:net";
import type { TlsMaterial } from "@mortise/kernel/spi/tls-files";
import type { Incoming, Outgoing } from "./exchange.ts";
import type { RestOptions } from "./options.ts";

/** One port that speaks HTTP/1.1 and HTTP/2. */
export interface Front {
  readonly server: Server;
  /** Ends connections as soon as they have nothing under way; tells clients of HTTP/2. */
  retire(): void;
  /** Ends all connections. */
  destroy(): void;
}

export type Handle = (incoming: Incoming, outgoing: Outgoing) => void;

/** How long a connection may stay silent at its beginning, in milliseconds. */
const firstBytesMs = 60_000;

export function frontOf(options: RestOptions, material: TlsMaterial | undefined, handle: Handle): Front {
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined); // its calls hear of it
  };
  const keepSession = (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  };
  const settings = { maxConcurrentStreams: options.maxConcurrentStreams, initialWindowSize: 1_048_576 };
  const http2 = { settings, maxSessionMemory: 1024, maxHeaderListPairs: 256 };
  const http1 = { maxHeaderSize: options.maxHeaderBytes, keepAliveTimeout: options.keepAliveMs };
  const { server, plain } = material ? secured(material) : sniffing();
  server.on("connection", keep);

  function secured({ pair, ca }: TlsMaterial): { server: Server; plain: HttpServer | undefined } {
    if (!pair) throw new Error("protocol/rest cannot listen with TLS: give the options tls.cert and tls.key");
    const { mutual = false } = options.tls ?? {};
    const auth = { cert: pair.cert, key: pair.key, ...(ca && { ca }), requestCert: mutual, rejectUnauthorized: mutual };
    const made = createSecureServer({ ...http2, ...http1, ...auth, allowHTTP1: true }, handle);
    made.on("session", keepSession);
    made.on("clientError", refuse);
    made.on("secureConnection", keep);
    return { server: made as unknown as Server, plain: undefined };
  }

  /** The first bytes tell which version a client speaks: HTTP/2 begins with `PRI * HTTP/2.0`. */
  function sniffing(): { server: Server; plain: HttpServer } {
    const plain = createServer(http1, handle);
    const framed = createHttp2Server(http2, handle);
    plain.on("clientError", refuse);
    framed.on("session", keepSession);
    const server = createNetServer((socket) => {
      socket.setTimeout(firstBytesMs, () => socket.destroy());
      socket.once("readable", function look(): void {
        const first: Buffer | null = socket.read();
        if (first === null) return void (socket.readableEnded || socket.once("readable", look));
        socket.setTimeout(0);
        socket.removeAllListeners("timeout");
        socket.unshift(first);
        (first.subarray(0, 3).toString("latin1") === "PRI" ? framed : plain).emit("connection", socket);
      });
    });
    return { server, plain };
  }

  return {
    server,
    retire: () => {
      plain?.closeIdleConnections();
      for (const session of sessions) session.close();
    },
    destroy: () => {
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What is no HTTP costs its sender the connection. */
function refuse(error: NodeJS.ErrnoException, socket: Pick<Socket, "writable" | "end" | "destroy">): void {
  const status = error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
  if (socket.writable && error.code !== "ECONNRESET")
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  else socket.destroy();
}
