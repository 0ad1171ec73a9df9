import type { Buffer as Bytes } from "node:buffer";
import type { Socket } from "node:net";
import {
  bareContexts,
  callContext,
  type Exposure,
  InFlight,
  noMetadata,
  type ServedMethod,
  systemPorts,
} from "@mortise/kernel";
import { byteSink, codecOf } from "@mortise/kernel/contract";
import { HessianObject, HessianWriter } from "@mortise/kernel/hessian";
import { proto } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote, fullNote } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, type FuzzTarget, Note, silentLog } from "@mortise/kernel/testing";
import { requestAttachments } from "./attachments.ts";
import { ClientCall } from "./client-call.ts";
import { clientRoute, numbering } from "./client-route.ts";
import { ClientSession } from "./client-session.ts";
import { writeRequest } from "./hessian-body.ts";
import type { JavaMethod } from "./java-method.ts";
import { writeReplyHead, writeRequestHead } from "./lean.ts";
import { options } from "./options.ts";
import { frameBytes } from "./peers.fixture.ts";
import { offered } from "./served.ts";
import { ServerSession } from "./server-session.ts";

const { echo } = Echo.methods;
const given = options.parse({ maxMessageBytes: 65_536 });
const reply = { response: emptyNote, headers: noMetadata, trailers: () => noMetadata };
const served: ServedMethod = { method: echo, invoke: async () => reply };
const exposure: Exposure = {
  services: [{ service: Echo, methods: new Map([["echo", served]]) }],
  serializers: new Map([["protobuf", proto]]),
};

/** A socket that goes nowhere; `give` is what comes from it. */
function deadEnd() {
  const listeners = new Map<string, ((chunk?: Bytes) => void)[]>();
  const state = { closed: false };
  const on = (event: string, listener: () => void) => listeners.set(event, [...(listeners.get(event) ?? []), listener]);
  const destroy = () => {
    state.closed = true;
  };
  const nothing = () => undefined;
  const socket = {
    on,
    once: on,
    write: () => true,
    writableLength: 0,
    destroy,
    destroySoon: destroy,
    pause: nothing,
    resume: nothing,
    ref: nothing,
    unref: nothing,
  } as unknown as Socket;
  const give = (chunk: Bytes) => {
    for (const listener of listeners.get("data") ?? []) listener(chunk);
  };
  return { socket, state, give };
}

interface Side {
  readonly closed: () => boolean;
  give(chunk: Bytes): void;
}

function serverSide(): Side {
  const { socket, state, give } = deadEnd();
  const current = offered(exposure, {});
  new ServerSession(socket, {
    host: { ...given, ports: systemPorts, log: silentLog, inFlight: new InFlight() },
    ports: systemPorts,
    bare: bareContexts(systemPorts),
    offered: () => current,
    closing: () => undefined,
    ended: () => undefined,
  });
  return { give, closed: () => state.closed };
}

const route = clientRoute(echo, proto, { services: {}, numberOf: numbering(), clock: systemPorts.clock });

/** A client with some calls under way. */
function clientSide(): Side {
  const { socket, state, give } = deadEnd();
  const owner = { retired: () => undefined, ended: () => undefined };
  const session = new ClientSession(socket, "nowhere", owner, given, systemPorts.clock);
  const ignore = () => undefined;
  for (let i = 0; i < 8; i++) {
    const call = { method: echo, request: emptyNote, context: callContext() };
    session.send(new ClientCall(route, call, new InFlight(), ignore, ignore));
  }
  return { give, closed: () => state.closed };
}

function body(write: (sink: ReturnType<typeof byteSink>) => void): Buffer {
  const sink = byteSink();
  write(sink);
  return Buffer.from(sink.buffer.subarray(0, sink.position));
}

const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true, state: "" };
const context = callContext({ trace });
const rich = callContext({
  trace,
  metadata: { "x-a": "1", "x-b-bin": Uint8Array.of(1, 2) },
  tenant: "t",
  baggage: { k: "v" },
});
const named = { number: 0, path: Buffer.from(echo.path), serializer: undefined };
const note = (sink: ReturnType<typeof byteSink>) => codecOf(Note).encodeInto(fullNote, sink);

const requests = [context, rich].flatMap((one) =>
  [true, false].map((tell) =>
    body((sink) => {
      writeRequestHead(sink, named, tell, one, 1000);
      note(sink);
    }),
  ),
);
const java = { interface: "a.B", group: "g", version: "1" } as JavaMethod;
const dubboRequest = body((sink) => {
  const prefix = body((start) => {
    const writer = new HessianWriter(start);
    for (const text of ["2.0.2", "a.B", "1", "find", "Ljava/lang/String;La/B;[I"]) writer.string(text);
  });
  const object = new HessianObject("a.B", new Map([["name", "n"]]));
  writeRequest(sink, prefix, ["text", object, [1, 2, 3]], requestAttachments(java, rich, 1000));
});
const replies = [noMetadata, rich.outgoing].map((metadata) =>
  body((sink) => {
    writeReplyHead(sink, metadata, metadata);
    note(sink);
  }),
);
const failure = body((sink) => {
  writeReplyHead(sink, noMetadata, noMetadata);
  const json = Buffer.from('{"code":"NOT_FOUND","message":"m","details":{"a":"b"}}');
  sink.reserve(json.length);
  sink.buffer.set(json, sink.position);
  sink.position += json.length;
});

/** Both ends of a connection, which live until their peer has gone too far. */
export const target: FuzzTarget = {
  seeds: [
    ...requests.map((bytes, i) => frameBytes({ flags: 0xc0 | 22, idLow: i, body: bytes })),
    frameBytes({ flags: 0xc2, idLow: 9, body: dubboRequest }),
    frameBytes({ flags: 0xe2, body: Buffer.of(0x4e) }),
    frameBytes({ flags: 0xa2, body: Buffer.of(0x01, 0x52) }),
    frameBytes({ flags: 0xa2, idHigh: 1, body: Buffer.of(0x01, 0x43) }),
    ...replies.map((bytes, i) => frameBytes({ flags: 22, status: 20, idHigh: i + 1, idLow: i, body: bytes })),
    frameBytes({ flags: 22, status: 70, idHigh: 3, idLow: 2, body: failure }),
    Buffer.concat([
      frameBytes({ flags: 0xe2, body: Buffer.of(0x4e) }),
      frameBytes({ flags: 0xc2, body: dubboRequest }),
    ]),
  ],
  feed: feeding(),
  settle: () => new Promise((resolve) => setImmediate(resolve)),
};

function feeding(): FuzzTarget["feed"] {
  const make = [serverSide, clientSide];
  const sides: (Side | undefined)[] = [undefined, undefined];
  let turn = 0;
  return (bytes) => {
    const at = turn++ & 1;
    const side = sides[at] ?? make[at]?.();
    if (!side) return false;
    const cut = turn % (bytes.length + 1);
    for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) side.give(Buffer.from(part));
    const closed = side.closed();
    // a frame that claims more than it has swallows the next ones, so both ends begin anew from time to time
    sides[at] = closed || turn % 64 < 2 ? undefined : side;
    return !closed;
  };
}
