import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Log, Ports } from "@mortise/kernel";
import { systemPorts } from "@mortise/kernel";
import { eventually, silentLog } from "@mortise/kernel/testing";
import { dubboProtocol } from "./dubbo.ts";
import { headerBytes, readInt32, writeHeader } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import { options } from "./options.ts";

/** The protocol with these options; all others have their defaults. */
export function start(given: object = {}, ports: Ports = systemPorts, log: Log = silentLog) {
  return dubboProtocol({ options: options.parse(given), ports, log });
}

export interface Frame {
  readonly flags: number;
  readonly status: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly body: Buffer;
}

/** A peer that writes frames by hand, and keeps those it gets. */
export interface RawPeer {
  readonly socket: Socket;
  readonly frames: Frame[];
  readonly closed: () => boolean;
  send(frame: Partial<Frame>): void;
}

export function frameBytes({
  flags = 0xc2,
  status = 0,
  idHigh = 0,
  idLow = 0,
  body = Buffer.alloc(0),
}: Partial<Frame>) {
  const bytes = Buffer.alloc(headerBytes + body.length);
  writeHeader(bytes, 0, flags, status, idHigh, idLow, body.length);
  bytes.set(body, headerBytes);
  return bytes;
}

export function rawPeer(socket: Socket): RawPeer {
  const frames: Frame[] = [];
  let closed = false;
  const reader = new FrameReader(
    {
      frame: (bytes, at, end) =>
        frames.push({
          flags: bytes[at + 2] as number,
          status: bytes[at + 3] as number,
          idHigh: readInt32(bytes, at + 4),
          idLow: readInt32(bytes, at + 8),
          body: Buffer.from(bytes.subarray(at + headerBytes, end)),
        }),
      oversized: () => undefined,
      malformed: () => undefined,
    },
    1 << 30,
  );
  socket.on("data", (chunk: Buffer) => reader.push(chunk));
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed = true;
  });
  return { socket, frames, closed: () => closed, send: (frame) => socket.write(frameBytes(frame)) };
}

/** Connects to a listener by hand. */
export async function rawClient(address: string): Promise<RawPeer> {
  const socket = connect({ port: Number(address.split(":").at(-1)), host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return rawPeer(socket);
}

/** A server that only accepts; `peers` are its connections. */
export async function rawServer(port = 0) {
  const peers: RawPeer[] = [];
  const server = createServer({ noDelay: true }, (socket) => peers.push(rawPeer(socket)));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: own } = server.address() as { readonly port: number };
  return {
    address: `127.0.0.1:${own}`,
    port: own,
    peers,
    /** The first connection, once it is there. */
    first: () => eventually(() => peers[0]),
    async close() {
      for (const { socket } of peers) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
