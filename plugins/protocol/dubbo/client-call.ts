import type { Buffer } from "node:buffer";
import type { Call, InFlight, InFlightCall, Reply, StatusError } from "@mortise/kernel";
import type { ClientRoute } from "./client-route.ts";
import type { ClientSession } from "./client-session.ts";

/** One call of a client, from its beginning until it is answered, cancelled or lost. */
export class ClientCall implements InFlightCall {
  previous: InFlightCall | undefined = undefined;
  next: InFlightCall | undefined = undefined;
  readonly route: ClientRoute;
  readonly call: Call;
  /** Where it was sent, as long as an answer is awaited. */
  session: ClientSession | undefined = undefined;
  idHigh = 0;
  idLow = 0;
  /** Whether its request tells the peer what the number of its method stands for. */
  tells = false;
  over = false;
  readonly #inFlight: InFlight;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: unknown) => void;
  #forget: (() => void) | undefined = undefined;

  constructor(
    route: ClientRoute,
    call: Call,
    inFlight: InFlight,
    resolve: (reply: Reply) => void,
    reject: (error: unknown) => void,
  ) {
    this.route = route;
    this.call = call;
    this.#inFlight = inFlight;
    this.#resolve = resolve;
    this.#reject = reject;
    inFlight.add(this);
    const forget = call.context.onCancel((reason) => this.cut(reason));
    if (this.over) forget();
    else this.#forget = forget;
  }

  /** Gives the call up; a peer that has the request is told. */
  cut(reason: StatusError): void {
    if (this.over) return;
    this.session?.abandon(this, reason);
    this.fail(reason);
  }

  received(bytes: Buffer, start: number, end: number, status: number): void {
    let reply: Reply;
    try {
      reply = this.route.read(bytes, start, end, status);
    } catch (error) {
      return this.fail(error);
    }
    this.succeed(reply);
  }

  succeed(reply: Reply): void {
    if (this.over) return;
    this.#end();
    this.#resolve(reply);
  }

  fail(error: unknown): void {
    if (this.over) return;
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.over = true;
    this.#inFlight.remove(this);
    this.#forget?.();
  }
}
