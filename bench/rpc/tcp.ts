import { connect, createServer, type Socket } from "node:net";
import { byteSink, codecOf } from "@mortise/kernel/contract";
import { type Order, Orders } from "../grpc/order.ts";
import type { System } from "./systems.ts";

// The least that an exchange of orders can cost: frames of a length, a number and the order, one write per turn of the loop.

const codec = codecOf(Orders.methods.echo.input);
const headerBytes = 8;

/** Gathers frames and writes them at the end of the turn. */
function writer(socket: Socket): (id: number, order: Order) => void {
  let sink = byteSink(64 * 1024);
  let due = false;
  const flush = () => {
    due = false;
    const bytes = sink.buffer.subarray(0, sink.position);
    sink.position = 0;
    socket.write(bytes);
    if (socket.writableLength > 0) sink = byteSink(64 * 1024);
  };
  return (id, order) => {
    sink.reserve(headerBytes);
    const start = sink.position;
    sink.position += headerBytes;
    codec.encodeInto(order, sink);
    const view = new DataView(sink.buffer.buffer, sink.buffer.byteOffset);
    view.setUint32(start, sink.position - start - headerBytes);
    view.setUint32(start + 4, id);
    if (!due) process.nextTick(flush);
    due = true;
  };
}

function reader(socket: Socket, each: (id: number, order: Order) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= headerBytes) {
      const end = at + headerBytes + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      each(bytes.readUInt32BE(at + 4), codec.decode(bytes, at + headerBytes, end));
      at = end;
    }
    rest = bytes.subarray(at);
  });
}

export const tcp: System = {
  serve: () =>
    new Promise((resolve) => {
      const server = createServer({ noDelay: true }, (socket) => {
        const write = writer(socket);
        reader(socket, write);
      });
      server.listen(0, "127.0.0.1", () => resolve(`${(server.address() as { readonly port: number }).port}`));
    }),
  async connect(where) {
    const socket = connect({ port: Number(where), host: "127.0.0.1", noDelay: true });
    const waiting: ((order: Order) => void)[] = [];
    const free: number[] = [];
    const write = writer(socket);
    reader(socket, (id, order) => {
      free.push(id);
      waiting[id]?.(order);
    });
    return (order) =>
      new Promise((resolve) => {
        const id = free.pop() ?? waiting.length;
        waiting[id] = resolve;
        write(id, order);
      });
  },
};
