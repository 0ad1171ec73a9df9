import {
  type Bus,
  type BusMessage,
  type DeadLetter,
  type Delivery,
  type Log,
  type Ports,
  type Running,
  StatusError,
  type Subscription,
} from "@mortise/kernel";
import { checkGroup, checkId, checkTopic, redelivery } from "@mortise/kernel/spi/redelivery";
import type { JetStreamManager, NatsConnection } from "nats";
import { watchLink } from "./connect.ts";
import { codeOfError, jetStreamCode, statusOf } from "./failures.ts";
import { joinGroup } from "./member.ts";
import { messageId, toDeadHeaders, toDeadLetter, toHeaders } from "./message.ts";
import { deadSubject, laneOf, topicNames } from "./names.ts";
import type { NatsBusOptions } from "./options.ts";
import { streams } from "./streams.ts";

/** How long to wait for the server at the end of everything. */
const drainMs = 2000;

/** JetStream's error number: there is no such message. */
const messageNotFound = 10037;

/** A bus on the streams of a NATS server. */
export async function natsBus(
  nats: NatsConnection,
  options: NatsBusOptions,
  { timers }: Ports,
  log: Log,
): Promise<Running<Bus>> {
  const manager = await nats.jetstreamManager({ checkAPI: false });
  const jetStream = nats.jetstream();
  const server = streams(manager, options);
  const link = watchLink(nats, log);
  const groups = new Map<Subscription, () => Promise<unknown>>();
  let stopped = false;

  function requireUp(doing: string): void {
    if (stopped) throw new StatusError("UNAVAILABLE", `${doing}: bus/nats is stopped`);
    if (!link.up) throw new StatusError("UNAVAILABLE", `${doing}: the NATS server cannot be reached now`);
  }

  async function send(topic: string, message: BusMessage, isSecond = false): Promise<void> {
    const { stream, partitions } = await server.topic(topic);
    const subject = topicNames(options.prefix, topic).event(laneOf(message.key, partitions));
    try {
      await jetStream.publish(subject, message.body, {
        msgID: messageId(message.id),
        headers: toHeaders(message),
        timeout: options.publishTimeoutMs,
        expect: { streamName: stream },
      });
    } catch (error) {
      if (codeOfError(error) !== "503" || isSecond) throw error;
      server.forget(); // the stream was there before; the server may have lost it
      await send(topic, message, true);
    }
  }

  async function bury(delivery: Delivery, group: string, sequence: number, error: string): Promise<boolean> {
    try {
      await server.dead();
      await jetStream.publish(deadSubject(options.prefix, delivery.topic, group), delivery.body, {
        msgID: `${delivery.topic}:${group}:${sequence}`,
        headers: toDeadHeaders(delivery, error),
        timeout: options.publishTimeoutMs,
      });
      log.warn("an event was given up on and is among the dead letters", { topic: delivery.topic, group, error });
      return true;
    } catch (failure) {
      log.error(`a dead letter cannot be kept yet: ${statusOf(failure, "keeping it").message}`, { group });
      return false;
    }
  }

  /** The server may have come back without its data. */
  async function makeSureOf(groupIsThere: () => Promise<unknown>): Promise<void> {
    for (let waitMs = 100; link.up && !stopped; waitMs = Math.min(waitMs * 2, 5000)) {
      try {
        await groupIsThere();
        return;
      } catch (error) {
        log.error(`a group cannot be looked up after reconnecting: ${statusOf(error, "looking it up").message}`);
        await timers.sleep(waitMs);
      }
    }
  }

  link.onBack(() => {
    server.forget();
    for (const groupIsThere of groups.values()) void makeSureOf(groupIsThere);
  });

  const api: Bus = {
    durable: true,
    publish: async (topic, message) => {
      checkTopic(topic);
      checkId(message.id);
      const doing = `publishing to ${topic}`;
      requireUp(doing);
      const own = { ...message, body: message.body.slice() };
      await send(topic, own).catch((error: unknown) => {
        throw statusOf(error, doing);
      });
    },
    subscribe: async (topic, group, handler, given) => {
      const complete = redelivery(given);
      checkTopic(topic);
      checkGroup(group);
      const doing = `subscribing to ${topic}`;
      requireUp(doing);
      const groupIsThere = () => server.group(topic, group);
      try {
        await server.dead();
        const { partitions } = await server.topic(topic);
        const buryIt = (delivery: Delivery, sequence: number, error: string) => bury(delivery, group, sequence, error);
        const member = { topic, group, partitions, handler, redelivery: complete, bury: buryIt };
        const joined = joinGroup(nats, options, timers, member);
        const subscription = {
          close: async () => {
            groups.delete(subscription);
            await joined.close();
          },
        };
        groups.set(subscription, groupIsThere);
        await groupIsThere();
        return subscription;
      } catch (error) {
        throw statusOf(error, doing);
      }
    },
    deadLetters: async (topic, group) => {
      const subject = deadSubject(options.prefix, topic, group);
      const doing = `reading the dead letters of ${topic}`;
      requireUp(doing);
      try {
        return await readDead(manager, await server.dead(), subject, topic, group);
      } catch (error) {
        throw statusOf(error, doing);
      }
    },
  };

  const stop = async () => {
    stopped = true;
    await Promise.all([...groups.keys()].map((subscription) => subscription.close()));
    await Promise.race([nats.drain().catch(() => undefined), timers.sleep(drainMs)]);
    await nats.close();
  };
  return { api, stop };
}

async function readDead(
  manager: JetStreamManager,
  stream: string,
  subject: string,
  topic: string,
  group: string,
): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (let seq = 1; ; ) {
    try {
      const query = { seq, next_by_subj: subject };
      const message = await manager.streams.getMessage(stream, query);
      letters.push(toDeadLetter(topic, group, message));
      seq = message.seq + 1;
    } catch (error) {
      if (jetStreamCode(error) === messageNotFound) return letters;
      throw error;
    }
  }
}
