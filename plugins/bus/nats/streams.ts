import { StatusError } from "@mortise/kernel";
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "nats";
import { jetStreamCode } from "./failures.ts";
import { consumerName, deadStream, deliverySubject, lanesOf, topicNames, unordered } from "./names.ts";
import type { NatsBusOptions } from "./options.ts";

/** Members of a group share what is pushed as one queue group of this name. */
export const queue = "members";

/** Messages without a key that a group may have under way. */
const maxUnordered = 256;

/** JetStream's error numbers: there is no such stream; there is one of this name already. */
const streamNotFound = 10059;
const streamNameInUse = 10058;

/** What a topic is on the server. */
export interface TopicStream {
  readonly stream: string;
  readonly partitions: number;
}

/** Makes streams and consumers where they are missing; what is there stays as it is. */
export interface Streams {
  topic(name: string): Promise<TopicStream>;
  /** Looks again at the next use: the server may have lost what it had. */
  forget(): void;
  /** Makes the consumers of a group, so that it gets what is published from now on. */
  group(topic: string, group: string): Promise<TopicStream>;
  /** The stream of dead letters. */
  dead(): Promise<string>;
}

export function streams(manager: JetStreamManager, options: NatsBusOptions): Streams {
  const { prefix, partitions, storage, replicas, maxAgeMs, dedupeWindowMs } = options;
  const known = new Map<string, Promise<StreamInfo>>();
  const common = {
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    storage: storage === "file" ? StorageType.File : StorageType.Memory,
    num_replicas: replicas,
    duplicate_window: nanos(dedupeWindowMs),
  };

  async function stream(config: Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
    const found = known.get(config.name) ?? ensureStream(manager, { ...common, ...config });
    known.set(config.name, found);
    try {
      return await found;
    } catch (error) {
      known.delete(config.name);
      throw error;
    }
  }

  async function topic(name: string): Promise<TopicStream> {
    const { stream: streamName, subjects } = topicNames(prefix, name);
    const { config } = await stream({
      name: streamName,
      subjects: [subjects],
      description: `partitions=${partitions}`,
      max_age: nanos(Math.max(maxAgeMs, dedupeWindowMs)),
    });
    return { stream: streamName, partitions: partitionsOf(config) };
  }

  return {
    topic,
    forget: () => known.clear(),
    group: async (name, group) => {
      const found = await topic(name);
      const { event } = topicNames(prefix, name);
      const lanes = lanesOf(found.partitions).map((lane) =>
        manager.consumers.add(found.stream, {
          durable_name: consumerName(group, lane),
          deliver_subject: deliverySubject(prefix, name, group, lane),
          deliver_group: queue,
          deliver_policy: DeliverPolicy.New,
          filter_subject: event(lane),
          ack_policy: AckPolicy.Explicit,
          ack_wait: nanos(options.ackWaitMs),
          max_ack_pending: lane === unordered ? maxUnordered : 1,
        }),
      );
      await Promise.all(lanes);
      return found;
    },
    dead: async () => {
      const name = deadStream(prefix);
      await stream({ name, subjects: [`${prefix}.dead.>`], max_msgs_per_subject: 10_000, allow_direct: true });
      return name;
    },
  };
}

async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<StreamInfo> {
  try {
    return await manager.streams.info(config.name);
  } catch (error) {
    if (jetStreamCode(error) !== streamNotFound) throw error;
  }
  try {
    return await manager.streams.add(config);
  } catch (error) {
    if (jetStreamCode(error) === streamNameInUse) return manager.streams.info(config.name); // another one was quicker
    throw error;
  }
}

/** Whoever made the stream decided on the partitions; all others follow, or keys would change their lanes. */
function partitionsOf({ name, description = "" }: StreamConfig): number {
  const [, count] = /^partitions=(\d+)$/.exec(description) ?? [];
  if (count !== undefined) return Number(count);
  const message = `the NATS stream ${name} was not made by bus/nats; remove it, or choose another prefix`;
  throw new StatusError("FAILED_PRECONDITION", message);
}
