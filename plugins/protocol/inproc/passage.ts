import {
  type Call,
  type CallContext,
  handlerError,
  type Ids,
  type InFlight,
  type InFlightCall,
  type Log,
  type Reply,
  readOnce,
  receivedContext,
  type ServedMethod,
  StatusError,
  statusData,
  statusFromData,
  watchStream,
} from "@mortise/kernel";
import { closeQuietly, handedOver, startedWith } from "./streams.ts";

/** Where the mistakes of handlers are told. */
export interface Witness {
  readonly log: Log;
  readonly ids: Ids;
}

/** Makes a call of a method that is served in this process; it is in flight in all of `lists` until it is over. */
export function pass(call: Call, served: ServedMethod, lists: readonly InFlight[], witness: Witness): Promise<Reply> {
  return new Promise((resolve, reject) => {
    new Passage(call, served, lists, witness, resolve, reject).begin();
  });
}

class Passage {
  readonly #call: Call;
  readonly #served: ServedMethod;
  readonly #witness: Witness;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: StatusError) => void;
  readonly #entries: readonly { readonly list: InFlight; readonly entry: InFlightCall }[];
  /** What the handler's side sees of the caller's context. */
  readonly #context: CallContext;
  #requests: AsyncIterator<unknown> | undefined = undefined;
  #forget: () => void = () => undefined;
  #over = false;

  constructor(
    call: Call,
    served: ServedMethod,
    lists: readonly InFlight[],
    witness: Witness,
    resolve: (reply: Reply) => void,
    reject: (error: StatusError) => void,
  ) {
    this.#call = call;
    this.#served = served;
    this.#witness = witness;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#context = receivedContext(call.context);
    const cut = (reason: StatusError) => this.#cut(reason);
    this.#entries = lists.map((list) => ({ list, entry: { previous: undefined, next: undefined, cut } }));
  }

  begin(): void {
    for (const { list, entry } of this.#entries) list.add(entry);
    this.#forget = this.#call.context.onCancel((reason) => this.#cut(reason));
    this.#invoke()
      .then((reply) => this.#answer(reply))
      .catch((error: unknown) => this.#fail(this.#told(error)));
  }

  async #invoke(): Promise<Reply> {
    const { method, invoke } = this.#served;
    return invoke({ method, request: this.#request(), context: this.#context });
  }

  #request(): unknown {
    const { kind } = this.#served.method;
    const { request } = this.#call;
    if (kind !== "client-stream" && kind !== "bidi-stream") return request;
    const failed = (error: unknown): StatusError => {
      const told = requestError(error, this.#served.method.path);
      this.#cut(told);
      return told;
    };
    const watched = watchStream(request as AsyncIterable<unknown>, () => undefined, this.#context);
    this.#requests = handedOver(watched[Symbol.asyncIterator](), failed);
    return readOnce(this.#requests);
  }

  #answer(reply: Reply): void | Promise<void> {
    const { kind } = this.#served.method;
    if (kind === "server-stream" || kind === "bidi-stream") return this.#stream(reply);
    this.#resolve({ response: reply.response, headers: reply.headers, trailers: reply.trailers });
    this.#finish();
  }

  async #stream(reply: Reply): Promise<void> {
    const responses = reply.response as AsyncIterable<unknown>;
    if (this.#over) return closeQuietly(responses[Symbol.asyncIterator]());
    const watched = watchStream(responses, (error) => this.#ended(error), this.#context);
    const iterator = handedOver(watched[Symbol.asyncIterator](), (error) => this.#told(error));
    const first = await iterator.next();
    const response = readOnce(startedWith(first, iterator));
    this.#resolve({ response, headers: reply.headers, trailers: reply.trailers });
  }

  /** A reader that leaves cancels what the handler does for it. */
  #ended(error: unknown): void {
    if (error instanceof StatusError) this.#context.cancel(error);
    this.#finish();
  }

  #cut(reason: StatusError): void {
    if (this.#over) return;
    this.#context.cancel(reason);
    this.#fail(reason);
  }

  #fail(error: StatusError): void {
    this.#finish();
    this.#reject(error);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    for (const { list, entry } of this.#entries) list.remove(entry);
    this.#forget();
    this.#context.detach();
    if (this.#requests) closeQuietly(this.#requests);
  }

  /** The error as it would come over a network: a copy, without its cause. Why this side gave up the call stays as it is. */
  #told(error: unknown): StatusError {
    if (error === this.#context.cancelled) return error as StatusError;
    const { method } = this.#served;
    const known = handlerError(error, method, this.#context, this.#witness);
    return statusFromData(statusData(known), known.trailers);
  }
}

function requestError(error: unknown, path: string): StatusError {
  if (error instanceof StatusError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new StatusError("CANCELLED", `the stream of requests of ${path} has failed: ${why}`, { cause: error });
}
