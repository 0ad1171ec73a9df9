import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { type Clock, type Method, StatusError } from "@mortise/kernel";
import type { ClientCall } from "./client-call.ts";
import { answerEvent, eventKind, writeEvent } from "./events.ts";
import {
  eventFlag,
  type FrameHandler,
  frameStatus,
  headerBytes,
  readInt32,
  requestFlag,
  twoWayFlag,
  writeHeader,
} from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import { writeMessage } from "./hessian-body.ts";
import { maxNumbers } from "./lean.ts";
import type { DubboOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { hessianSerial } from "./serials.ts";
import type { Watched } from "./vigil.ts";

/** What a session tells whoever opened it. */
export interface SessionOwner {
  /** It takes no new calls, because the peer says so or because it is over. */
  retired(session: ClientSession): void;
  /** It is over. */
  ended(session: ClientSession): void;
}

export type SessionLimits = Pick<DubboOptions, "maxMessageBytes" | "maxPendingBytes" | "heartbeatMs" | "idleMs">;

/** Room that responses have beyond the limit for what stands ahead of the message. */
const headRoom = 65_536;

/**
 * One connection that is up. Calls under way stand in a table of slots that is used again and again; the id of a request
 * is its slot and a number that tells it from those that had the slot before.
 */
export class ClientSession implements FrameHandler, Watched {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #owner: SessionOwner;
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #reader: FrameReader;
  readonly #slots: (ClientCall | undefined)[] = [];
  readonly #free: number[] = [];
  #underWay = 0;
  #sent = 0;
  /** By number of a method: whether the peer knows what it stands for. */
  readonly #told = new Uint8Array(maxNumbers);
  #retired = false;
  /** Whether the peer has answered all it will ever answer. */
  #farewell = false;
  #over = false;
  heard = true;
  spoke = true;
  heardAt = 0;
  spokeAt = 0;

  constructor(socket: Socket, address: string, owner: SessionOwner, limits: SessionLimits, clock: Clock) {
    this.#socket = socket;
    this.#address = address;
    this.#owner = owner;
    this.#limits = limits;
    this.#clock = clock;
    this.#outbox = new Outbox(socket);
    this.#reader = new FrameReader(this, limits.maxMessageBytes + headRoom);
    socket.unref();
    socket.on("data", (chunk: Buffer) => {
      this.heard = true;
      this.#reader.push(chunk);
    });
    socket.on("error", () => undefined); // told by "close"
    socket.on("close", () => this.#lost("the connection was lost"));
  }

  send(call: ClientCall): void {
    const outbox = this.#outbox;
    if (outbox.busy) return queueMicrotask(() => call.over || this.send(call)); // called by a getter of another request
    if (this.#over) return call.fail(gone(this.#address));
    const { route } = call;
    const leftMs = call.call.context.deadline - this.#clock.now();
    if (leftMs <= 0) return call.fail(tooLate());
    if (this.#socket.writableLength > this.#limits.maxPendingBytes) return call.fail(congested(this.#address));
    const start = outbox.position;
    const tells = route.number < maxNumbers && this.#told[route.number] === 0;
    outbox.busy = true;
    try {
      outbox.reserve(headerBytes);
      outbox.position = start + headerBytes;
      route.write(outbox, call.call, leftMs, tells);
    } catch (error) {
      outbox.position = start;
      return call.fail(unwritable(error, route.method));
    } finally {
      outbox.busy = false;
    }
    const length = outbox.position - start - headerBytes;
    if (length > this.#limits.maxMessageBytes) {
      outbox.position = start;
      return call.fail(tooLong(route.method, length, this.#limits.maxMessageBytes));
    }
    call.tells = tells;
    const flags = requestFlag | route.serial | (route.oneway ? 0 : twoWayFlag);
    this.#sent = (this.#sent + 1) | 0;
    const slot = route.oneway ? 0x7fff_ffff : this.#takeSlot(call);
    writeHeader(outbox.buffer, start, flags, 0, this.#sent, slot, length);
    this.spoke = true;
    outbox.commit();
    if (route.oneway) call.succeed(route.nothing());
  }

  #takeSlot(call: ClientCall): number {
    const slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[slot] = call;
    call.session = this;
    call.idHigh = this.#sent;
    call.idLow = slot;
    if (this.#underWay++ === 0) this.#socket.ref();
    return slot;
  }

  #freeSlot(call: ClientCall): void {
    this.#slots[call.idLow] = undefined;
    this.#free.push(call.idLow);
    call.session = undefined;
    if (--this.#underWay > 0) return;
    this.#socket.unref();
    if (this.#retired) this.end();
  }

  /** Forgets a call that its caller has given up, and tells the peer. */
  abandon(call: ClientCall, { code }: StatusError): void {
    if (call.session !== this) return;
    writeEvent(this.#outbox, code === "DEADLINE_EXCEEDED" ? "late" : "cancel", call.idHigh, call.idLow);
    this.#outbox.commit();
    this.#freeSlot(call);
  }

  frame(bytes: Buffer, at: number, end: number): void {
    const flags = bytes[at + 2] as number;
    if (flags & eventFlag) return this.#event(bytes, at, end, flags);
    if (flags & requestFlag) return this.#refuse(bytes, at, flags);
    const call = this.#awaited(bytes, at);
    if (!call) return; // answered too late
    const status = bytes[at + 3] as number;
    if (call.tells && status === frameStatus.ok) this.#told[call.route.number] = 1;
    this.#freeSlot(call);
    call.received(bytes, at + headerBytes, end, status);
  }

  #awaited(bytes: Buffer, at: number): ClientCall | undefined {
    const call = this.#slots[readInt32(bytes, at + 8)];
    return call !== undefined && call.idHigh === readInt32(bytes, at + 4) ? call : undefined;
  }

  oversized(bytes: Buffer, at: number, length: number): void {
    const flags = bytes[at + 2] as number;
    if (flags & (eventFlag | requestFlag)) return;
    const call = this.#awaited(bytes, at);
    if (!call) return;
    this.#freeSlot(call);
    const { maxMessageBytes } = this.#limits;
    call.fail(
      new StatusError(
        "RESOURCE_EXHAUSTED",
        `the response of ${call.route.method.path} has ${length} bytes; the option maxMessageBytes of protocol/dubbo allows ${maxMessageBytes}`,
      ),
    );
  }

  malformed(why: string): void {
    this.#lost(why);
  }

  #event(bytes: Buffer, at: number, end: number, flags: number): void {
    if (!(flags & requestFlag)) return; // a heartbeat was answered, which is known already
    const kind = eventKind(bytes, at + headerBytes, end);
    if (kind === "readOnly") this.#retire();
    else if (kind === "farewell") this.#farewell = true;
    else if (flags & twoWayFlag) {
      answerEvent(this.#outbox, bytes, at, end, frameStatus.ok);
      this.#outbox.commit();
    }
  }

  /** This side serves nothing on a connection it has opened. */
  #refuse(bytes: Buffer, at: number, flags: number): void {
    if (!(flags & twoWayFlag)) return;
    const outbox = this.#outbox;
    const start = outbox.position;
    outbox.reserve(headerBytes);
    outbox.position = start + headerBytes;
    writeMessage(outbox, "nothing is served on this connection");
    const length = outbox.position - start - headerBytes;
    const [high, low] = [readInt32(bytes, at + 4), readInt32(bytes, at + 8)];
    writeHeader(outbox.buffer, start, hessianSerial, frameStatus.serviceNotFound, high, low, length);
    outbox.commit();
  }

  beat(): void {
    this.spoke = true;
    writeEvent(this.#outbox, "heartbeat", 0, -1);
    this.#outbox.commit();
  }

  expire(): void {
    this.#lost("nothing has come for too long");
  }

  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#owner.retired(this);
    if (this.#underWay === 0) this.end();
  }

  /** Closes it once everything that was written is on its way. */
  end(): void {
    this.#retired = true;
    this.#outbox.flush();
    this.#socket.destroySoon();
  }

  #lost(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#retired = true;
    this.#reader.stop();
    this.#outbox.close();
    this.#socket.destroy();
    this.#owner.retired(this);
    this.#owner.ended(this);
    const error = () => new StatusError("UNAVAILABLE", `${this.#address}: ${why}`, { neverSent: this.#farewell });
    for (const call of this.#slots) {
      if (!call) continue;
      this.#freeSlot(call);
      call.fail(error());
    }
  }
}

function tooLate(): StatusError {
  return new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed", { neverSent: true });
}

function gone(address: string): StatusError {
  return new StatusError("UNAVAILABLE", `the connection to ${address} was lost`, { neverSent: true });
}

function congested(address: string): StatusError {
  const message = `${address} takes requests more slowly than they are made; the option maxPendingBytes of protocol/dubbo is used up`;
  return new StatusError("RESOURCE_EXHAUSTED", message, { neverSent: true });
}

function tooLong({ path }: Method, length: number, limit: number): StatusError {
  return new StatusError(
    "RESOURCE_EXHAUSTED",
    `the request of ${path} has ${length} bytes; the option maxMessageBytes of protocol/dubbo allows ${limit}`,
    { neverSent: true },
  );
}

function unwritable(error: unknown, { path }: Method): StatusError {
  const { message } = error as Error;
  const { reason, details } = error instanceof StatusError ? error : { reason: undefined, details: {} };
  return new StatusError("INVALID_ARGUMENT", `the request of ${path} cannot be encoded: ${message}`, {
    ...(reason !== undefined && { reason }),
    details,
    neverSent: true,
    cause: error,
  });
}
