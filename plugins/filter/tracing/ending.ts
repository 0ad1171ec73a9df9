import { asStatusError, type Method, type Reply, type Span, watchStream } from "@mortise/kernel";

export function answersWithStream({ kind }: Method): boolean {
  return kind === "server-stream" || kind === "bidi-stream";
}

/** How the span of a method ends: with the reply, or with the last message of its stream. */
export function endingOf(method: Method): (span: Span, reply: Promise<Reply>) => Promise<Reply> {
  const streaming = answersWithStream(method);
  return (span, reply) =>
    reply.then(
      (one) => {
        if (streaming) return watched(one, span);
        span.end("OK");
        return one;
      },
      (error: unknown) => {
        endWith(span, error);
        throw error;
      },
    );
}

function watched(reply: Reply, span: Span): Reply {
  const response = watchStream(reply.response as AsyncIterable<unknown>, (error) => endWith(span, error));
  return { ...reply, response };
}

function endWith(span: Span, error: unknown): void {
  if (error === undefined) return span.end("OK");
  const { code, message } = asStatusError(error);
  span.end(code, message);
}
