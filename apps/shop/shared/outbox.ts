import {
  backgroundOf,
  type Context,
  type Database,
  decodeTrace,
  encodeTraceparent,
  type Log,
  makeWorker,
  type Ports,
  type Publish,
  type TopicType,
  type Worker,
} from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";
import { asc, inArray, sql } from "drizzle-orm";
import type { Transaction } from "./database.ts";
import type { OutboxTable } from "./outbox-table.ts";

/** A topic whose events go through an outbox. */
export interface Channel {
  readonly topic: string;
  publish(body: Uint8Array, context: Context, id: string): Promise<void>;
}

export function channel<T>(topic: TopicType<T>, publish: Publish<T>): Channel {
  const codec = codecOf(topic.message);
  return { topic: topic.name, publish: (body, context, id) => publish(codec.decode(body), context, { id }) };
}

/** Writes an event in the transaction of the change it tells of. It is published once that is committed. */
export async function post<T>(
  tx: Transaction,
  outbox: OutboxTable,
  topic: TopicType<T>,
  event: T,
  call: Context,
): Promise<void> {
  const body = codecOf(topic.message).encode(event);
  const traceparent = call.trace ? encodeTraceparent(call.trace) : "";
  await tx.insert(outbox).values({ topic: topic.name, body, traceparent });
}

export interface RelayOptions {
  readonly database: Database;
  /** The name of the service, for the spans of its events. */
  readonly service: string;
  readonly outbox: OutboxTable;
  readonly channels: readonly Channel[];
  readonly ports: Ports;
  readonly log: Log;
  /** How late an event may be that was written by a process which then ended. */
  readonly everyMs: number;
}

const batch = 100;

/**
 * Publishes what is in the outbox, in order, and removes it. One process at a time does so: the one that holds the
 * advisory lock, which the database frees when that process dies. Events may then be published again, under the same id.
 */
export function makeRelay({ database, service, outbox, channels, ports, log, everyMs }: RelayOptions): Worker {
  const byTopic = new Map(channels.map((channel) => [channel.topic, channel]));
  const name = `outbox of ${database.name}`;

  const work = () =>
    database.orm.transaction(async (tx) => {
      const [lock] = await tx.execute<{ mine: boolean }>(
        sql`select pg_try_advisory_xact_lock(hashtext('shop outbox')) as mine`,
      );
      if (!lock?.mine) return false;
      const rows = await tx.select().from(outbox).orderBy(asc(outbox.position)).limit(batch);
      const done: bigint[] = [];
      try {
        for (const row of rows) {
          await byTopic.get(row.topic)?.publish(row.body, contextOf(row.traceparent, service, ports), row.eventId);
          done.push(row.position);
        }
      } catch (error) {
        log.warn(`${name}: the bus did not take an event; it stays in the outbox`, { error });
      }
      if (done.length > 0) await tx.delete(outbox).where(inArray(outbox.position, done));
      return done.length === batch;
    });
  return makeWorker({ name, everyMs, ports, log, work });
}

function contextOf(traceparent: string, service: string, ports: Ports): Context {
  const trace = decodeTrace(traceparent);
  const root = backgroundOf(ports);
  return trace ? root.with({ trace: { ...trace, service } }) : root;
}
