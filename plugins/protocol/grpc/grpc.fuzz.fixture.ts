import { connect } from "node:net";
import { StatusError } from "@mortise/kernel";
import { callers, connectTo } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { echoEvents, type FuzzTarget } from "@mortise/kernel/testing";
import { portOf, recordCalls, serveGrpc, startGrpc } from "./recorded.fixture.ts";

const events = echoEvents();
const listener = await serveGrpc(events);
const port = portOf(listener.address);
/** A caller that does nothing wrong. */
const connection = connectTo(startGrpc(), listener.address);
const healthy = callers(connection);

/** A frame of HTTP/2 that asks whether the other side is there, and how the answer begins. */
const ping = Buffer.from("0000080600000000006d6f7274697365ff", "hex");
const pong = Buffer.from("0000080601000000006d6f7274697365ff", "hex");

/** Connections of callers to a listener, from their first byte on. */
export const target: FuzzTarget = {
  seeds: (await recordCalls(listener)).map(({ client }) => client),
  atOnce: 32,
  feed: (bytes) =>
    new Promise((resolve) => {
      const said: Buffer[] = [];
      const socket = connect({ port, host: "127.0.0.1" });
      socket.on("data", (chunk) => said.push(chunk));
      socket.on("error", () => undefined); // reset by the listener
      socket.on("close", () => resolve(Buffer.concat(said).includes(pong)));
      socket.end(Buffer.concat([bytes, ping]));
    }),
  settle: async () => {
    events.cancelled.length = 0; // handlers that were cancelled keep their reason there
    const { text } = await healthy.call("echo", emptyNote);
    if (text !== emptyNote.text) throw new StatusError("INTERNAL", "a caller that did nothing wrong gets no answer");
  },
  end: async () => {
    await connection.close(0);
    await listener.close(0);
  },
};
