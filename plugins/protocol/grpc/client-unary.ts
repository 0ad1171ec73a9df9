import { type Call, type Invoker, type Reply, StatusError } from "@mortise/kernel";
import { ClientCall, type ClientRoute, encodeRequest, received } from "./client-call.ts";

/** Sends one request and waits for one response. */
export function unaryInvoker(route: ClientRoute): Invoker {
  return (call) =>
    new Promise((resolve, reject) => {
      new UnaryCall(route, resolve, reject).send(call);
    });
}

class UnaryCall extends ClientCall {
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: StatusError) => void;
  #response: unknown = undefined;

  constructor(route: ClientRoute, resolve: (reply: Reply) => void, reject: (error: StatusError) => void) {
    super(route);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  send({ context, request }: Call): void {
    const bytes = encodeRequest(this.route, request);
    this.begin(context);
    this.call.startRead();
    this.call.sendMessageWithContext({}, bytes);
    this.call.halfClose();
  }

  override onReceiveMessage(bytes: Buffer): void {
    this.#response = this.decode(bytes);
  }

  protected override ended(error: StatusError | undefined): void {
    if (error) return this.#reject(error);
    if (this.#response === undefined) return this.#reject(nothingSent(this.route));
    const { headers, trailers } = this;
    this.#resolve({ response: this.#response, headers: received(headers), trailers: () => received(trailers) });
  }
}

/** The error for a peer that says it is done and has sent nothing. */
export function nothingSent({ method }: ClientRoute): StatusError {
  return new StatusError("INTERNAL", `${method.path} ended well but sent no response`);
}
