import { callContext, InFlight, noMetadata, type Reply, type ServedMethod, systemPorts } from "@mortise/kernel";
import { proto } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote, fullNote } from "@mortise/kernel/spi/serializer.conformance";
import { Counted, Echo, type FuzzTarget, Note, silentLog } from "@mortise/kernel/testing";
import { headers, type Msg, type NatsConnection } from "nats";
import { natsInvoker } from "./client-call.ts";
import { encodeFrame, type FrameKind, uint32 } from "./frame.ts";
import type { Awaiting, Inbox } from "./inbox.ts";
import type { NatsLink } from "./link.ts";
import { callHeader, serializerHeader, sizeHeader, windowHeader } from "./metadata.ts";
import { ServerCall } from "./server-call.ts";
import { routesOf, type ServerHost, type ServerRoute } from "./server-route.ts";

const options = { maxMessageBytes: 65_536, windowBytes: 16_384 };
const link = {
  nats: { publish: () => undefined } as unknown as NatsConnection,
  up: true,
  maxPayload: 65_536,
  onLost: () => () => undefined,
  stop: async () => undefined,
} satisfies NatsLink;

/** Reads whatever streams in, and answers with a note or a few. */
async function* answers(request: unknown) {
  if (typeof request === "object" && request !== null && Symbol.asyncIterator in request)
    for await (const _ of request as AsyncIterable<unknown>) yield emptyNote;
  yield fullNote;
}

const reply = (response: unknown): Reply => ({ response, headers: noMetadata, trailers: () => noMetadata });
const { echo, chat } = Echo.methods;
const methods: readonly ServedMethod[] = [
  { method: echo, invoke: async () => reply(fullNote) },
  { method: chat, invoke: async ({ request }) => reply(answers(request)) },
];
const served = { service: Echo, methods: new Map(methods.map((one) => [one.method.name, one])) };
const routes = [...routesOf({ services: [served], serializers: new Map([["proto", proto]]) }, new Map()).values()];

/** One end of a call. `give` takes what comes from the other one. */
interface Side {
  readonly over: () => boolean;
  give(bytes: Uint8Array): void;
}

const message = (data: Uint8Array, given = headers()): Msg =>
  ({ subject: "s", reply: "_INBOX.a.1", data, headers: given }) as unknown as Msg;

function serverSide(route: ServerRoute): Side {
  const inFlight = new InFlight();
  const host: ServerHost = { link, ports: systemPorts, log: silentLog, options, inFlight, calls: new Map() };
  let call: ServerCall | undefined;
  return {
    over: () => call !== undefined && inFlight.size === 0,
    give: (bytes) => {
      if (call) return call.receive(bytes);
      const given = headers();
      given.set(serializerHeader, "proto");
      given.set(callHeader, "a.1");
      given.set(windowHeader, `${options.windowBytes}`);
      if ((bytes[0] ?? 0) % 2 === 1) given.set(sizeHeader, `${bytes.length * 2}`);
      call = new ServerCall(message(bytes, given), route, host);
      call.begin(bytes, true);
    },
  };
}

function clientSide(method: typeof echo | typeof chat): Side {
  const inFlight = new InFlight();
  let waiting: Awaiting | undefined;
  const inbox: Inbox = {
    add: (awaiting) => {
      waiting = awaiting;
      return { subject: "_INBOX.a.1", key: "a.1", remove: () => undefined };
    },
  };
  const route = {
    ...{ method, subject: "s", address: "a", input: proto.codec(method.input), output: proto.codec(method.output) },
    ...{ subtype: "proto", link, inbox, inFlight, ports: systemPorts, options },
  };
  const request = method === chat ? answers(undefined) : emptyNote;
  const read = async () => {
    const { response } = await natsInvoker(route)({ method, request, context: callContext() });
    if (method === chat) for await (const _ of response as AsyncIterable<unknown>);
  };
  read().catch(() => undefined);
  return {
    over: () => inFlight.size === 0,
    give: (bytes) => waiting?.receive(message(bytes), (bytes[0] ?? 0) < 128),
  };
}

const note = proto.codec(Note).encode(fullNote);
const frames: readonly (readonly [FrameKind, Uint8Array?])[] = [
  ["message", note],
  ["part", note.subarray(0, 9)],
  ["message", proto.codec(Counted).encode({ number: 5, padding: new Uint8Array(9) })],
  ["credit", uint32(1000)],
  ["end"],
  ["cancel", Uint8Array.of(4)],
];

/** Both ends of unary and streaming calls, which live until their peer has gone too far. */
export const target: FuzzTarget = {
  seeds: [note, ...[0, 1, 2].flatMap((sequence) => frames.map(([kind, body]) => encodeFrame(kind, sequence, body)))],
  feed: feeding(),
  settle: () => new Promise((resolve) => setImmediate(resolve)),
};

function feeding(): FuzzTarget["feed"] {
  const make = [...routes.map((route) => () => serverSide(route)), () => clientSide(echo), () => clientSide(chat)];
  const sides: (Side | undefined)[] = [];
  let turn = 0;
  return (bytes) => {
    const at = turn++ % make.length;
    const side = sides[at] ?? make[at]?.();
    if (!side) return false;
    side.give(bytes);
    const over = side.over();
    sides[at] = over || turn % 256 < make.length ? undefined : side;
    return !over;
  };
}
