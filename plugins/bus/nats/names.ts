import { checkGroup, checkTopic } from "@mortise/kernel/spi/redelivery";

/** Where the messages of one topic travel. Topics hold no `-` and groups no `.`, so none of these names is ambiguous. */
export interface TopicNames {
  readonly stream: string;
  /** Everything published to the topic. */
  readonly subjects: string;
  readonly event: (lane: string) => string;
}

/** Throws INVALID_ARGUMENT for what cannot be a topic. */
export function topicNames(prefix: string, topic: string): TopicNames {
  checkTopic(topic);
  return {
    stream: `${prefix}-${topic.replaceAll(".", "-")}`,
    subjects: `${prefix}.event.${topic}.*`,
    event: (lane) => `${prefix}.event.${topic}.${lane}`,
  };
}

/** The lane of messages without a key, which are in no order. */
export const unordered = "any";

/** The lanes of a topic: one for each part of its keys, handled one message at a time, and one without order. */
export function lanesOf(partitions: number): readonly string[] {
  return [...Array.from({ length: partitions }, (_, part) => String(part)), unordered];
}

/** The lane of a message: FNV-1a (32 bit) over the UTF-8 of its key, modulo the partitions. */
export function laneOf(key: string | undefined, partitions: number): string {
  if (key === undefined) return unordered;
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return String(hash % partitions);
}

/** The durable consumer of one group on one lane. */
export function consumerName(group: string, lane: string): string {
  checkGroup(group);
  return `${group}-${lane}`;
}

/** Where the server pushes the messages of one lane to the members of a group. */
export function deliverySubject(prefix: string, topic: string, group: string, lane: string): string {
  return `${prefix}.deliver.${group}.${lane}.${topic}`;
}

/** The stream of all dead letters; the streams of topics have a `-` after the prefix. */
export function deadStream(prefix: string): string {
  return `${prefix}_dead`;
}

/** Throws INVALID_ARGUMENT for what cannot be a topic or a group. */
export function deadSubject(prefix: string, topic: string, group: string): string {
  checkTopic(topic);
  checkGroup(group);
  return `${prefix}.dead.${group}.${topic}`;
}
