import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { StatusError } from "@mortise/kernel";
import { all, callers, connectTo } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import type { FuzzTarget } from "@mortise/kernel/testing";
import { recordCalls, serveGrpc, startGrpc, type Ways } from "./recorded.fixture.ts";

/** What is said to the next connections, one after another. */
const due: Uint8Array[] = [];
/** A frame of HTTP/2 with no settings, as servers begin. */
const settings = Buffer.from("000000040000000000", "hex");

const sockets = new Set<Socket>();
const peer = createServer((socket) => {
  const heard: Buffer[] = [];
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  socket.on("error", () => undefined); // reset by the caller
  socket.write(settings);
  socket.on("data", function hear(chunk: Buffer) {
    heard.push(chunk);
    if (!asks(Buffer.concat(heard))) return;
    socket.off("data", hear);
    answer(socket);
  });
});
peer.listen(0, "127.0.0.1");
await once(peer, "listening");
const address = `127.0.0.1:${(peer.address() as AddressInfo).port}`;

function answer(socket: Socket): void {
  socket.end(due.shift() ?? Buffer.alloc(0));
  socket.resume();
}

/** Whether a client has begun a call: there is a frame of headers behind the preface. */
function asks(bytes: Buffer): boolean {
  for (let at = prefaceBytes; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === headersFrame) return true;
  }
  return false;
}

const prefaceBytes = 24;
const headersFrame = 1;

const timeoutMs = 60_000;
const calls: readonly ((ways: Ways) => Promise<unknown>)[] = [
  ({ call }) => call("echo", emptyNote, { timeoutMs }),
  ({ stream }) => all(stream("count", { count: 3, failAfter: 0, padding: 9 }, { timeoutMs })),
];
let turn = 0;

async function answered(bytes: Uint8Array): Promise<boolean> {
  due.push(bytes);
  const connection = connectTo(startGrpc(), address);
  try {
    await calls[turn++ % calls.length]?.(callers(connection));
    return true;
  } catch (error) {
    if (error instanceof StatusError) return false;
    throw error;
  } finally {
    await connection.close(0);
    for (const socket of sockets) socket.destroy(); // Node's client may keep its end of a connection that was closed within a frame
  }
}

const listener = await serveGrpc();
const seeds = (await recordCalls(listener)).map(({ server }) => server);
await listener.close(0);

/** What servers answer on connections of callers. */
export const target: FuzzTarget = {
  seeds,
  feed: answered,
  end: async () => {
    peer.close();
    await once(peer, "close");
  },
};
