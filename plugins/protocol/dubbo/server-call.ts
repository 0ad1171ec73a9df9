import {
  type CallContext,
  handlerError,
  type InFlight,
  type InFlightCall,
  type Log,
  type Method,
  type Ports,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import type { Dialect } from "./server-dialect.ts";
import type { ServerRequest } from "./server-request.ts";
import type { ServerSession } from "./server-session.ts";

/** What all calls of a listener share. */
export interface ServerHost {
  readonly ports: Ports;
  readonly log: Log;
  readonly inFlight: InFlight;
  readonly maxMessageBytes: number;
  readonly maxCallsPerConnection: number;
  readonly maxPendingBytes: number;
}

/** One request that is being handled. */
export class ServerCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  /** Neighbours among the calls of its connection with the same hash of the id. */
  before: ServerCall | undefined = undefined;
  after: ServerCall | undefined = undefined;
  readonly idHigh: number;
  readonly idLow: number;
  readonly dialect: Dialect;
  readonly method: Method;
  readonly context: CallContext;
  readonly #session: ServerSession;
  readonly #twoWay: boolean;
  #over = false;

  constructor(
    session: ServerSession,
    { served, context, dialect }: ServerRequest,
    twoWay: boolean,
    idHigh: number,
    idLow: number,
  ) {
    this.#session = session;
    this.method = served.method;
    this.context = context;
    this.dialect = dialect;
    this.#twoWay = twoWay;
    this.idHigh = idHigh;
    this.idLow = idLow;
  }

  handle({ served, message, context }: ServerRequest): void {
    let replying: Promise<Reply>;
    try {
      replying = served.invoke({ method: served.method, request: message, context, instance: undefined });
    } catch (error) {
      return this.#fail(error);
    }
    replying.then(
      (reply) => this.#succeed(reply),
      (error: unknown) => this.#fail(error),
    );
  }

  /** Ends it with an error while its handler may still be at work. */
  cut(reason: StatusError): void {
    this.#fail(reason);
    this.context.cancel(reason);
  }

  /** Its caller waits no longer. */
  cancel(reason: StatusError): void {
    if (this.#over) return;
    this.#end();
    this.context.cancel(reason);
  }

  /** Its caller is gone; one that waits for no answer has no part in what becomes of its request. */
  abandon(reason: StatusError): void {
    if (this.#twoWay) this.cancel(reason);
  }

  #succeed(reply: Reply): void {
    if (this.#over) return;
    this.#end();
    if (this.#twoWay) this.#session.answer(this, reply);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    const { log, ports } = this.#session.host;
    const told = handlerError(error, this.method, this.context, { log, ids: ports.ids });
    this.#end();
    if (this.#twoWay) this.#session.fail(this, told.neverSent ? settled(told) : told);
  }

  #end(): void {
    this.#over = true;
    this.#session.forget(this);
  }
}

/** The error without `neverSent`: this request has been handled. */
function settled({ code, message, reason, details, retryable, trailers }: StatusError): StatusError {
  return new StatusError(code, message, { ...(reason !== undefined && { reason }), details, retryable, trailers });
}
