// What connections of gRPC say, both ways, recorded from calls that went well.
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type Listener, type Protocol, systemPorts } from "@mortise/kernel";
import { all, callers, connectTo, echoExposure } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote, fullNote } from "@mortise/kernel/spi/serializer.conformance";
import { echoEvents, silentLog } from "@mortise/kernel/testing";
import { grpcProtocol } from "./grpc.ts";
import { options } from "./options.ts";

export function startGrpc(): Protocol {
  return grpcProtocol({ options: options.parse({ maxMessageBytes: 65_536 }), ports: systemPorts, log: silentLog });
}

/** Serves the test service for as long as the process lives. Its handlers tell `events`. */
export function serveGrpc(events = echoEvents()): Promise<Listener> {
  return startGrpc().listen(echoExposure(silentLog, { events }));
}

export type Ways = ReturnType<typeof callers>;

/** Calls of every kind. */
const calls: readonly ((ways: Ways) => Promise<unknown>)[] = [
  ({ call }) => call("echo", emptyNote),
  ({ call }) =>
    call("echo", fullNote, { metadata: { "x-text": "a", "x-bytes-bin": Uint8Array.of(1, 2, 3) }, tenant: "t" }),
  ({ stream }) => all(stream("count", { count: 3, failAfter: 0, padding: 9 })),
  ({ call }) => call("sum", numbers()),
];

async function* numbers() {
  for (const number of [1, 2]) yield { number, padding: new Uint8Array(5) };
}

/** What the peers of one connection have sent. */
export interface Recorded {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

/** Makes each kind of calls once, over a connection of its own. */
export async function recordCalls({ address }: Listener): Promise<readonly Recorded[]> {
  const recorded: Recorded[] = [];
  for (const make of calls) {
    const said = { client: [] as Buffer[], server: [] as Buffer[] };
    const proxy = createServer((inner) => {
      const outer = connect(portOf(address), "127.0.0.1");
      inner.on("data", (bytes) => said.client.push(bytes)).on("error", () => undefined);
      outer.on("data", (bytes) => said.server.push(bytes)).on("error", () => undefined);
      inner.pipe(outer).pipe(inner);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const connection = connectTo(startGrpc(), `127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    await make(callers(connection));
    await connection.close(0);
    proxy.close();
    recorded.push({ client: Buffer.concat(said.client), server: Buffer.concat(said.server) });
  }
  return recorded;
}

export function portOf(address: string): number {
  return Number(address.split(":").at(-1));
}
