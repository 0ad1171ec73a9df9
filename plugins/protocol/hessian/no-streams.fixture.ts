const laws = [
  "carries a stream from the server, in order and complete",
  "carries a stream of nothing from the server",
  "carries a stream to the server, in order and complete",
  "carries a stream of nothing to the server",
  "carries streams both ways",
  "delivers each message of a conversation before the next one is said",
  "keeps 50 streams at the same time apart",
  "tells the server when the caller's stream fails, and the caller too",
  "answers INTERNAL when a method breaks before it reads its stream",
  "gives a slow reader all messages of a stream that came before its error",
  "answers INVALID_ARGUMENT to bytes that ask for no stream",
  "ends a stream with INVALID_ARGUMENT at bytes that are no message",
  "ends a stream at its deadline, whatever the handler does",
  "cancels the handler of a stream",
  "ends the handler's stream when the reader leaves",
  "ends the caller's stream when the call is cancelled, and the handler's reading of it",
  "carries headers ahead of a stream and trailers after it",
  "lets a server produce no more than a slow reader takes",
  "lets a caller produce no more than a slow handler takes",
  "ends a stream at a message longer than the limit",
  "answers calls while another one sleeps and a stream waits to be read",
  "lets a stream in flight finish when the listener closes",
];
const noStreams =
  "Hessian has calls and replies; an app with methods that stream selects another protocol for them, or is refused when planned";

/** The laws that a protocol of calls and replies in Hessian cannot keep, for its own suite and for those with other serializers. */
export const unaryOnly = [
  ...laws.map((law) => ({ law, reason: noStreams })),
  { law: "answers in the serializer of the request", reason: "a body of Hessian is one from its first byte on" },
];
