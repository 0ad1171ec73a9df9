import type { DeadLetter, Delivery, Log } from "@mortise/kernel";
import type { JetStreamClient, JetStreamManager } from "nats";
import { jetStreamCode, statusOf } from "./failures.ts";
import { toDeadHeaders, toDeadLetter } from "./message.ts";
import { deadSubject } from "./names.ts";
import type { NatsBusOptions } from "./options.ts";
import type { Streams } from "./streams.ts";

/** Messages that were given up on. */
export interface DeadLetters {
  /** Keeps one, once however often it is asked to; false if that cannot be done now. */
  bury(group: string, delivery: Delivery, sequence: number, error: string): Promise<boolean>;
  /** Oldest first. Rejects with errors of the client. */
  read(topic: string, group: string): Promise<DeadLetter[]>;
}

/** JetStream's error number: there is no such message. */
const messageNotFound = 10037;

export function deadLetters(
  jetStream: JetStreamClient,
  manager: JetStreamManager,
  server: Streams,
  { prefix, publishTimeoutMs }: NatsBusOptions,
  log: Log,
): DeadLetters {
  return {
    bury: async (group, delivery, sequence, error) => {
      const { topic } = delivery;
      try {
        await server.dead();
        await jetStream.publish(deadSubject(prefix, topic, group), delivery.body, {
          msgID: `${topic}:${group}:${sequence}`,
          headers: toDeadHeaders(delivery, error),
          timeout: publishTimeoutMs,
        });
        log.warn("an event was given up on and is among the dead letters", { topic, group, id: delivery.id, error });
        return true;
      } catch (failure) {
        log.error(`a dead letter cannot be kept yet: ${statusOf(failure, "keeping it").message}`, { topic, group });
        return false;
      }
    },
    read: async (topic, group) => {
      const subject = deadSubject(prefix, topic, group);
      const stream = await server.dead();
      const letters: DeadLetter[] = [];
      for (let next = await after(manager, stream, subject, 0); next; ) {
        letters.push(toDeadLetter(topic, group, next));
        next = await after(manager, stream, subject, next.seq);
      }
      return letters;
    },
  };
}

/** The next message of a subject with a higher number, if there is one. */
async function after(manager: JetStreamManager, stream: string, subject: string, seq: number) {
  const query = { seq: seq + 1, next_by_subj: subject };
  try {
    return await manager.streams.getMessage(stream, query);
  } catch (error) {
    if (jetStreamCode(error) === messageNotFound) return undefined;
    throw error;
  }
}
