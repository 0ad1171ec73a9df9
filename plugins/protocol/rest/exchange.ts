import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { constants, Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { StatusError } from "@mortise/kernel";
import { HttpError, problemOf, problemType } from "./problem.ts";

export type Incoming = IncomingMessage | Http2ServerRequest;
export type Outgoing = ServerResponse | Http2ServerResponse;

/** One request and its answer, whichever version of HTTP carries them. */
export class Exchange {
  readonly incoming: Incoming;
  readonly #outgoing: ServerResponse; // both have the methods used here
  #closed = false;
  #whole = false;

  constructor(incoming: Incoming, outgoing: Outgoing) {
    this.incoming = incoming;
    this.#outgoing = outgoing as ServerResponse;
    outgoing.on("error", () => undefined); // a caller that is gone; `close` tells it
    incoming.on("error", () => undefined);
  }

  /** Runs when nothing can be answered any more: the answer is complete, or the caller has left before. */
  onClose(listener: () => void): void {
    this.#outgoing.on("close", () => {
      this.#closed = true;
      listener();
    });
  }

  /** The body. Rejects with 413 beyond the limit, and never when the caller leaves in the middle. */
  body(maxBytes: number): Promise<Uint8Array> {
    const { incoming } = this;
    return new Promise((resolve, reject) => {
      const declared = Number(incoming.headers["content-length"] ?? 0);
      if (declared > maxBytes) return reject(tooLarge(maxBytes));
      const chunks: Buffer[] = [];
      let bytes = 0;
      const take = (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes <= maxBytes) return;
        incoming.off("data", take);
        chunks.length = 0;
        reject(tooLarge(maxBytes));
      };
      incoming.on("data", take);
      incoming.on("end", () => {
        this.#whole = true;
        resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes));
      });
    });
  }

  /** Answers with all there is; to HEAD without the body. */
  answer(status: number, headers: OutgoingHttpHeaders, body?: Uint8Array): void {
    if (this.#closed) return;
    const length = body && { "content-length": body.length };
    this.#outgoing.writeHead(status, { ...headers, ...length, ...this.#unread() });
    if (body && this.incoming.method !== "HEAD") this.#outgoing.end(body);
    else this.#outgoing.end();
  }

  problem(error: StatusError, headers: OutgoingHttpHeaders = {}): void {
    const problem = problemOf(error) as { readonly status: number };
    const body = Buffer.from(JSON.stringify(problem));
    this.answer(problem.status, { ...headers, "content-type": problemType }, body);
  }

  /** Begins an answer whose body comes piece by piece. */
  begin(headers: OutgoingHttpHeaders): void {
    if (!this.#closed) this.#outgoing.writeHead(200, headers);
  }

  /** Resolves when there is room for more, or when waiting for it has become pointless; nothing if there is now. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#closed || this.#outgoing.write(bytes)) return undefined;
    return new Promise((resolve) => {
      const go = () => {
        this.#outgoing.off("drain", go);
        this.#outgoing.off("close", go);
        resolve();
      };
      this.#outgoing.on("drain", go);
      this.#outgoing.on("close", go);
    });
  }

  end(): void {
    if (!this.#closed) this.#outgoing.end();
  }

  /** Whatever of the request was not read does not hold up the connection: it is ended, or the stream is. */
  #unread(): OutgoingHttpHeaders {
    const { incoming } = this;
    const { method = "" } = incoming;
    if (this.#whole || /^(GET|HEAD|OPTIONS|DELETE)$/.test(method)) return {};
    incoming.resume();
    if (!(incoming instanceof Http2ServerRequest)) return { connection: "close" };
    const { stream } = incoming;
    this.#outgoing.on("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
    return {};
  }
}

function tooLarge(maxBytes: number): HttpError {
  const message = `the body is longer than the ${maxBytes} bytes the option maxMessageBytes of protocol/rest allows`;
  return new HttpError(413, "RESOURCE_EXHAUSTED", "BODY_TOO_LARGE", message);
}
