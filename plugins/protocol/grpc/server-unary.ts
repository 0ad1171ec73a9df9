import { type Reply, StatusError } from "@mortise/kernel";
import { ServerCall } from "./server-call.ts";

const nothing = () => undefined;

/** One request, one response. */
export class UnaryServerCall extends ServerCall {
  #bytes: Buffer | undefined = undefined;

  protected override opened(): void {
    this.call.startRead();
  }

  override onReceiveMessage(bytes: Buffer): void {
    if (this.#bytes) return this.fail(notOne(this.route.method.path, "more than one request"));
    this.#bytes = bytes;
    this.call.startRead();
  }

  override onReceiveHalfClose(): void {
    if (this.over) return;
    if (!this.#bytes) return this.fail(notOne(this.route.method.path, "no request"));
    let request: unknown;
    try {
      request = this.decode(this.#bytes);
    } catch (error) {
      return this.fail(error);
    }
    this.invoke(request).then(this.#reply, this.#refuse);
  }

  readonly #refuse = (error: unknown): void => this.fail(error);

  readonly #reply = ({ response, headers, trailers }: Reply): void => {
    if (this.over) return;
    try {
      const bytes = this.encode(response);
      this.sendHeaders(headers);
      this.call.sendMessage(bytes, nothing);
      this.succeed(trailers());
    } catch (error) {
      this.fail(error);
    }
  };

  protected override ended(): void {
    this.#bytes = undefined;
  }
}

/** The error for a caller that breaks the kind of the method. */
export function notOne(path: string, what: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `${path} takes exactly one request; the call has ${what}`);
}
