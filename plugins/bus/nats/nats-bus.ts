import {
  asStatusError,
  type Bus,
  type Log,
  type Ports,
  type Running,
  StatusError,
  type Subscription,
} from "@mortise/kernel";
import { checkGroup, checkId, checkTopic, redelivery } from "@mortise/kernel/spi/redelivery";
import type { NatsConnection } from "nats";
import { watchLink } from "./connect.ts";
import { deadLetters } from "./dead-letters.ts";
import { statusOf } from "./failures.ts";
import { groupKeeper } from "./group-keeper.ts";
import { joinGroup } from "./member.ts";
import type { NatsBusOptions } from "./options.ts";
import { publisher } from "./publish.ts";
import { streams } from "./streams.ts";

/** How long to wait for the server at the end of everything. */
const drainMs = 2000;

/** A bus on the streams of a NATS server. */
export async function natsBus(
  nats: NatsConnection,
  options: NatsBusOptions,
  { clock, timers }: Ports,
  log: Log,
): Promise<Running<Bus>> {
  const manager = await nats.jetstreamManager({ checkAPI: false });
  const server = streams(manager, options);
  const publish = publisher(nats.jetstream(), server, options);
  const dead = deadLetters(nats.jetstream(), manager, server, options, log);
  const link = watchLink(nats, log);
  const groups = groupKeeper(server, link, timers, log);
  let stopped = false;

  /** Does something with the server; every failure becomes a status. */
  async function withServer<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (stopped) throw new StatusError("UNAVAILABLE", `${doing}: bus/nats is stopped`);
    if (!link.up) throw new StatusError("UNAVAILABLE", `${doing}: the NATS server cannot be reached now`);
    try {
      return await work();
    } catch (error) {
      throw statusOf(error, doing);
    }
  }

  /** The same for what is done once, at a start: a server that is away is waited for, as long as for the first connection. */
  async function withServerSoon<T>(doing: string, work: () => Promise<T>): Promise<T> {
    for (const until = clock.now() + options.startTimeoutMs; ; await timers.sleep(100)) {
      try {
        return await withServer(doing, work);
      } catch (error) {
        if (stopped || asStatusError(error).code !== "UNAVAILABLE" || clock.now() > until) throw error;
      }
    }
  }

  const api: Bus = {
    durable: true,
    publish: async (topic, message) => {
      checkTopic(topic);
      checkId(message.id);
      await withServer(`publishing to ${topic}`, () => publish(topic, message));
    },
    subscribe: async (topic, group, handler, given) => {
      checkTopic(topic);
      checkGroup(group);
      const complete = redelivery(given);
      return withServerSoon(`subscribing to ${topic}`, async (): Promise<Subscription> => {
        const { partitions } = await server.topic(topic);
        const member = joinGroup(nats, options, timers, {
          ...{ topic, group, partitions, handler, redelivery: complete },
          bury: (delivery, sequence, error) => dead.bury(group, delivery, sequence, error),
        });
        return groups.add(topic, group, member);
      });
    },
    deadLetters: async (topic, group) => {
      checkTopic(topic);
      checkGroup(group);
      return withServer(`reading the dead letters of ${topic}`, () => dead.read(topic, group));
    },
  };

  const stop = async () => {
    stopped = true;
    await groups.end();
    await Promise.race([nats.drain().catch(() => undefined), timers.sleep(drainMs)]);
    await nats.close();
  };
  return { api, stop };
}
