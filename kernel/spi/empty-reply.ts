import type { Reply } from "../call/call.ts";
import { noMetadata } from "../call/metadata.ts";
import { codecOf } from "../contract/index.ts";
import type { Method } from "../contract/types.ts";

/**
 * Makes answers with nothing in them for a method: a message with nothing set, or a stream that ends at once. Throws a
 * StatusError when the answer has fields that must be set.
 */
export function emptyReply({ kind, output }: Method): () => Reply {
  const nothing = new Uint8Array();
  const codec = codecOf(output);
  const streams = kind === "server-stream" || kind === "bidi-stream";
  if (!streams) codec.decode(nothing);
  const response = streams ? emptyStream : () => codec.decode(nothing);
  return () => ({ response: response(), headers: noMetadata, trailers: () => noMetadata });
}

async function* emptyStream(): AsyncGenerator<never> {}
