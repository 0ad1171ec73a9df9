import type { BusMessage } from "@mortise/kernel";
import type { JetStreamClient } from "nats";
import { codeOfError } from "./failures.ts";
import { messageId, toHeaders } from "./message.ts";
import { laneOf, topicNames } from "./names.ts";
import type { NatsBusOptions } from "./options.ts";
import type { Streams } from "./streams.ts";

/** Hands messages to the server; resolves when it has them. Rejects with errors of the client. */
export function publisher(
  jetStream: JetStreamClient,
  server: Streams,
  { prefix, publishTimeoutMs }: NatsBusOptions,
): (topic: string, message: BusMessage) => Promise<void> {
  async function send(topic: string, message: BusMessage): Promise<void> {
    const { stream, partitions } = await server.topic(topic);
    await jetStream.publish(topicNames(prefix, topic).event(laneOf(message.key, partitions)), message.body, {
      msgID: messageId(message.id),
      headers: toHeaders(message),
      timeout: publishTimeoutMs,
      expect: { streamName: stream },
    });
  }

  return async (topic, message) => {
    const own = { ...message, body: message.body.slice() }; // the publisher may use its buffer again
    try {
      await send(topic, own);
    } catch (error) {
      if (codeOfError(error) !== "503") throw error;
      server.forget(); // nobody takes it: the server may have lost the stream
      await send(topic, own);
    }
  };
}
