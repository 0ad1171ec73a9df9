import { systemPorts } from "@mortise/kernel";
import { protocolConformance } from "@mortise/kernel/spi/protocol.conformance";
import { restOptions } from "./options.ts";
import { json } from "./rest.fixture.ts";
import { restProtocol } from "./rest.ts";

const oneWay = "REST has no streams of requests; apps with such methods select another protocol beside it";
const streamed = [
  "carries a stream to the server, in order and complete",
  "carries a stream of nothing to the server",
  "carries streams both ways",
  "delivers each message of a conversation before the next one is said",
  "tells the server when the caller's stream fails, and the caller too",
  "answers INTERNAL when a method breaks before it reads its stream",
  "ends a stream with INVALID_ARGUMENT at bytes that are no message",
  "ends the caller's stream when the call is cancelled, and the handler's reading of it",
  "carries headers ahead of a stream and trailers after it",
  "lets a caller produce no more than a slow handler takes",
  "ends a stream at a message longer than the limit",
];
const jsonOnly = "it carries JSON alone";

protocolConformance({
  name: "rest",
  make: () => ({
    subject: {
      serializer: json,
      start: ({ at, maxMessageBytes, log }) =>
        restProtocol({
          options: restOptions.parse({
            port: Number(at?.split(":").at(-1) ?? 0),
            maxMessageBytes,
            connectTimeoutMs: 60_000,
          }),
          ports: systemPorts,
          log,
        }),
    },
  }),
  deviations: [
    ...streamed.map((law) => ({ law, reason: oneWay })),
    { law: "answers in the serializer of the request", reason: jsonOnly },
  ],
});
