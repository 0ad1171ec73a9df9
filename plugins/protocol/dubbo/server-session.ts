import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { handlerError, noMetadata, type Reply, StatusError } from "@mortise/kernel";
import { type PeerCertificate, peerOfSocket, withPeer } from "@mortise/kernel/spi/peer";
import { CallTable } from "./call-table.ts";
import { answerEvent, eventKind, writeEvent } from "./events.ts";
import {
  eventFlag,
  type FrameHandler,
  frameStatus,
  headerBytes,
  readInt32,
  requestFlag,
  serialMask,
  twoWayFlag,
  writeHeader,
} from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import { Outbox } from "./outbox.ts";
import { hessianSerial } from "./serials.ts";
import type { Offered } from "./served.ts";
import { ServerCall, type ServerHost } from "./server-call.ts";
import { type Dialect, leanDialect, plainDialect } from "./server-dialect.ts";
import { Echoed, LeanRequests, type RequestSetup, readDubbo, type ServerRequest, Unserved } from "./server-request.ts";
import type { Watched } from "./vigil.ts";

/** Where a session finds what is offered, and whom it tells of its end. */
export interface SessionHouse extends RequestSetup {
  readonly host: ServerHost;
  offered(): Offered;
  /** Whether new calls are refused; `announced`: those of peers that have been asked to send none. */
  closing(): "announced" | "refusing" | undefined;
  ended(session: ServerSession): void;
}

type Addressed = Pick<ServerCall, "idHigh" | "idLow" | "dialect">;

/** One connection of a caller. */
export class ServerSession implements FrameHandler, Watched {
  readonly host: ServerHost;
  readonly #socket: Socket;
  readonly #peer: PeerCertificate | undefined;
  readonly #house: SessionHouse;
  readonly #outbox: Outbox;
  readonly #reader: FrameReader;
  readonly #lean: LeanRequests;
  readonly #calls = new CallTable();
  #paused = false;
  #over = false;
  heard = true;
  spoke = true;
  /** Whether a request of Dubbo 2 has come since this was last set to false. */
  asked = false;
  heardAt = 0;
  spokeAt = 0;

  constructor(socket: Socket, house: SessionHouse) {
    this.host = house.host;
    this.#socket = socket;
    this.#peer = peerOfSocket(socket);
    this.#house = house;
    this.#outbox = new Outbox(socket);
    this.#reader = new FrameReader(this, house.host.maxMessageBytes);
    this.#lean = new LeanRequests(house);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", () => undefined); // told by "close"
    socket.on("close", () => this.#lost("the connection of the caller was lost"));
  }

  #read(chunk: Buffer): void {
    this.heard = true;
    this.#reader.push(chunk);
    if (this.#socket.writableLength <= this.host.maxPendingBytes || this.#paused) return;
    this.#paused = true; // a caller that takes no answers gets to ask no more
    this.#socket.pause();
    this.#socket.once("drain", () => {
      this.#paused = false;
      this.#socket.resume();
    });
  }

  frame(bytes: Buffer, at: number, end: number): void {
    const flags = bytes[at + 2] as number;
    if (flags & eventFlag) return this.#event(bytes, at, end, flags);
    if (!(flags & requestFlag)) return; // an answer, and nothing was asked
    const idHigh = readInt32(bytes, at + 4);
    const idLow = readInt32(bytes, at + 8);
    const serial = flags & serialMask;
    const twoWay = (flags & twoWayFlag) !== 0;
    if (serial === hessianSerial) this.asked = true;
    const refusal = this.#refusal(serial);
    if (refusal) return this.#refuse(refusal, serial, twoWay, idHigh, idLow);
    const start = at + headerBytes;
    const offered = this.#house.offered();
    const request =
      serial === hessianSerial
        ? readDubbo(bytes, start, end, offered, this.#house)
        : this.#lean.read(bytes, start, end, serial, offered);
    if (request instanceof Unserved) return this.#unserved(request, twoWay, idHigh, idLow);
    if (request instanceof Echoed) return this.#echo(request, twoWay, idHigh, idLow);
    this.#serve(this.#peer ? vouched(request, this.#peer) : request, twoWay, idHigh, idLow);
  }

  #serve(request: ServerRequest, twoWay: boolean, idHigh: number, idLow: number): void {
    const call = new ServerCall(this, request, twoWay, idHigh, idLow);
    this.#remember(call);
    call.handle(request);
  }

  /** A peer that is no Mortise process may have asked before it heard that it should not, and would have to tell its user. */
  #refusal(serial: number): StatusError | undefined {
    const closing = this.#house.closing();
    if (closing === "refusing" || (closing && serial !== hessianSerial)) return shuttingDown();
    const { maxCallsPerConnection } = this.host;
    if (this.#calls.size < maxCallsPerConnection) return undefined;
    return new StatusError(
      "RESOURCE_EXHAUSTED",
      `${maxCallsPerConnection} calls of this connection are being served, as many as maxCallsPerConnection of protocol/dubbo allows`,
    );
  }

  #refuse(error: StatusError, serial: number, twoWay: boolean, idHigh: number, idLow: number): void {
    if (twoWay) this.fail({ dialect: dialectOf(serial), idHigh, idLow }, error);
  }

  #unserved({ error, dialect }: Unserved, twoWay: boolean, idHigh: number, idLow: number): void {
    if (twoWay) this.fail({ dialect, idHigh, idLow }, this.#toldOf(error));
  }

  #toldOf(error: unknown): StatusError {
    if (error instanceof StatusError) return error;
    const { log, ports } = this.host;
    const id = ports.ids.hex(8);
    log.error("a request could not be read", { errorId: id, error });
    return new StatusError("INTERNAL", `internal error ${id}`, { reason: "INTERNAL", details: { errorId: id } });
  }

  #echo({ dialect }: Echoed, twoWay: boolean, idHigh: number, idLow: number): void {
    if (!twoWay) return;
    const start = this.#begin();
    dialect.writeReply(this.#outbox, nothing);
    this.#finish(start, frameStatus.ok, { dialect, idHigh, idLow });
  }

  oversized(bytes: Buffer, at: number, length: number): void {
    const flags = bytes[at + 2] as number;
    if (flags & eventFlag || !(flags & requestFlag)) return;
    const error = new StatusError(
      "RESOURCE_EXHAUSTED",
      `the request has ${length} bytes; the option maxMessageBytes of protocol/dubbo allows ${this.host.maxMessageBytes}`,
    );
    const twoWay = (flags & twoWayFlag) !== 0;
    this.#refuse(error, flags & serialMask, twoWay, readInt32(bytes, at + 4), readInt32(bytes, at + 8));
  }

  malformed(why: string): void {
    this.host.log.warn("a connection is closed: its peer does not speak Dubbo 2", { why });
    this.#lost(why);
  }

  #event(bytes: Buffer, at: number, end: number, flags: number): void {
    if (!(flags & requestFlag)) return;
    const kind = eventKind(bytes, at + headerBytes, end);
    if (kind === "cancel" || kind === "late") {
      const call = this.#calls.find(readInt32(bytes, at + 4), readInt32(bytes, at + 8));
      call?.cancel(kind === "late" ? deadlineExceeded() : cancelled("the caller has cancelled the call"));
    } else if (flags & twoWayFlag) {
      answerEvent(this.#outbox, bytes, at, end, frameStatus.ok);
      this.#outbox.commit();
    }
  }

  /** Writes the response of a call. */
  answer(call: ServerCall, reply: Reply): void {
    const outbox = this.#outbox;
    if (outbox.busy) return queueMicrotask(() => this.answer(call, reply)); // called by a getter of another response
    const start = this.#begin();
    try {
      call.dialect.writeReply(outbox, reply);
    } catch (cause) {
      this.#undo(start);
      const { log, ports } = this.host;
      const wrong = new TypeError(`the response cannot be encoded: ${(cause as Error).message}`, { cause });
      return this.fail(call, handlerError(wrong, call.method, call.context, { log, ids: ports.ids }));
    }
    const length = outbox.position - start - headerBytes;
    const { maxMessageBytes } = this.host;
    if (length <= maxMessageBytes) return this.#finish(start, frameStatus.ok, call);
    this.#undo(start);
    const message = `the response of ${call.method.path} has ${length} bytes; the option maxMessageBytes of protocol/dubbo allows ${maxMessageBytes}`;
    this.fail(call, new StatusError("RESOURCE_EXHAUSTED", message));
  }

  /** Answers with an error. */
  fail(call: Addressed, error: StatusError): void {
    const outbox = this.#outbox;
    if (outbox.busy) return queueMicrotask(() => this.fail(call, error));
    const start = this.#begin();
    const status = call.dialect.writeError(outbox, error);
    if (outbox.position - start - headerBytes <= this.host.maxMessageBytes) return this.#finish(start, status, call);
    this.#undo(start);
    this.fail(call, new StatusError(error.code, error.message.slice(0, longestCut)));
  }

  #begin(): number {
    const outbox = this.#outbox;
    const start = outbox.position;
    outbox.reserve(headerBytes);
    outbox.position = start + headerBytes;
    outbox.busy = true;
    return start;
  }

  #undo(start: number): void {
    this.#outbox.position = start;
    this.#outbox.busy = false;
  }

  #finish(start: number, status: number, { dialect, idHigh, idLow }: Addressed): void {
    const outbox = this.#outbox;
    outbox.busy = false;
    const length = outbox.position - start - headerBytes;
    writeHeader(outbox.buffer, start, dialect.serial, status, idHigh, idLow, length);
    outbox.commit();
  }

  #remember(call: ServerCall): void {
    this.#calls.add(call);
    this.host.inFlight.add(call);
  }

  /** The call is over. */
  forget(call: ServerCall): void {
    this.#calls.remove(call);
    this.host.inFlight.remove(call);
  }

  expire(): void {
    this.#lost("nothing has come for too long");
  }

  /** Asks the peer to send nothing more. */
  announceEnd(): void {
    writeEvent(this.#outbox, "readOnly", 0, 0);
    this.#outbox.flush();
  }

  /** Closes it once everything that was written is on its way. Call when all that was accepted has been answered. */
  end(): void {
    writeEvent(this.#outbox, "farewell", 0, 0);
    this.#outbox.flush();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #lost(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.stop();
    this.#outbox.close();
    this.#socket.destroy();
    this.#house.ended(this);
    const reason = cancelled(why);
    for (const call of this.#calls.all()) call.abandon(reason);
  }
}

/** How long a message stays of an error that is longer than any frame may be, in characters. */
const longestCut = 256;

const nothing: Reply = Object.freeze({ response: undefined, headers: noMetadata, trailers: () => noMetadata });

function vouched(request: ServerRequest, peer: PeerCertificate): ServerRequest {
  return { ...request, context: withPeer(request.context, peer) };
}

function dialectOf(serial: number): Dialect {
  return serial === hessianSerial ? plainDialect : leanDialect(serial);
}

function shuttingDown(): StatusError {
  return new StatusError("UNAVAILABLE", "the server is shutting down", { neverSent: true });
}

function deadlineExceeded(): StatusError {
  return new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed");
}

function cancelled(why: string): StatusError {
  return new StatusError("CANCELLED", why);
}
