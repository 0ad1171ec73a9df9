import { type Bus, type Log, type Ports, type Running, StatusError } from "@mortise/kernel";
import { checkGroup, checkId, checkTopic, redelivery } from "@mortise/kernel/spi/redelivery";
import { type Group, group } from "./group.ts";
import { type RecentIds, recentIds } from "./recent-ids.ts";

export interface MemoryBusOptions {
  readonly dedupeWindowMs: number;
  readonly maxPending: number;
}

interface Topic {
  readonly ids: RecentIds;
  readonly groups: Map<string, Group>;
}

/** A bus within this process. What was not delivered is lost when it stops. */
export function memoryBus(options: MemoryBusOptions, ports: Ports, log: Log): Running<Bus> {
  const topics = new Map<string, Topic>();
  let stopped = false;

  function topicOf(name: string): Topic {
    checkTopic(name);
    if (stopped) throw new StatusError("UNAVAILABLE", "bus/memory is stopped");
    const topic = topics.get(name) ?? { ids: recentIds(options.dedupeWindowMs, ports.clock), groups: new Map() };
    topics.set(name, topic);
    return topic;
  }

  function groupOf(topic: string, name: string): Group {
    checkGroup(name);
    const { groups } = topicOf(topic);
    const found = groups.get(name) ?? group(topic, name, ports.timers);
    groups.set(name, found);
    return found;
  }

  const api: Bus = {
    durable: false,
    publish: async (name, message) => {
      checkId(message.id);
      const { ids, groups } = topicOf(name);
      if (!ids.add(message.id)) return;
      const full = [...groups].find(([, { pending }]) => pending >= options.maxPending)?.[0];
      if (full !== undefined) {
        ids.forget(message.id);
        throw tooMany(name, full, options.maxPending);
      }
      const { id, key, body, headers } = message;
      const kept = Object.freeze({
        id,
        ...(key !== undefined && { key }),
        body: body.slice(),
        headers: Object.freeze({ ...headers }),
      });
      for (const group of groups.values()) group.push(kept);
    },
    subscribe: async (topic, group, handler, given) => groupOf(topic, group).join(handler, redelivery(given)),
    deadLetters: async (topic, group) => {
      checkGroup(group);
      return [...(topicOf(topic).groups.get(group)?.dead ?? [])];
    },
  };

  return {
    api,
    stop: async () => {
      stopped = true;
      const groups = [...topics.values()].flatMap((topic) => [...topic.groups.values()]);
      await Promise.all(groups.map((group) => group.end()));
      const lost = groups.reduce((sum, { pending }) => sum + pending, 0);
      if (lost > 0)
        log.warn("events were not delivered before the stop and are lost: bus/memory keeps nothing", { lost });
    },
  };
}

function tooMany(topic: string, group: string, maxPending: number): StatusError {
  const message = `group ${group} of topic ${topic} has ${maxPending} messages waiting, which is all bus/memory keeps`;
  return new StatusError("RESOURCE_EXHAUSTED", message, { reason: "BUS_FULL", retryable: true });
}
