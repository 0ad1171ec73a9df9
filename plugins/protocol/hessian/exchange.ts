import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { StatusError } from "@mortise/kernel";

export const contentType = "application/x-hessian";

/** One request and its answer. */
export class Exchange {
  readonly incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  #closed = false;
  #whole = false;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.incoming = incoming;
    this.#outgoing = outgoing;
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

  /** The body. Rejects with RESOURCE_EXHAUSTED beyond the limit, and never when the caller leaves in the middle. */
  body(maxBytes: number): Promise<Uint8Array> {
    const { incoming } = this;
    return new Promise((resolve, reject) => {
      if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) return reject(tooLarge(maxBytes));
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
        resolve(Buffer.concat(chunks, bytes));
      });
    });
  }

  /** Answers with all there is. What of the request was not read costs its sender the connection. */
  answer(status: number, headers: OutgoingHttpHeaders, body: Uint8Array, type = contentType): void {
    if (this.#closed) return;
    if (!this.#whole) {
      this.incoming.resume();
      headers.connection = "close";
    }
    this.#outgoing.writeHead(status, { ...headers, "content-type": type, "content-length": body.length });
    this.#outgoing.end(body);
  }
}

function tooLarge(maxBytes: number): StatusError {
  const message = `the body is longer than the ${maxBytes} bytes the option maxMessageBytes of protocol/hessian allows`;
  return new StatusError("RESOURCE_EXHAUSTED", message);
}
