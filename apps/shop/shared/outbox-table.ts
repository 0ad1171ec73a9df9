import { bigserial, customType, pgTable, text, uuid } from "drizzle-orm/pg-core";

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => "bytea" });

/** The table a service writes its events to, in the same transaction as the change they tell of. */
export function outboxTable() {
  return pgTable("outbox", {
    /** The order in which events are published. */
    position: bigserial("position", { mode: "bigint" }).primaryKey(),
    /** What the bus recognises a repetition by. */
    eventId: uuid("event_id").notNull().defaultRandom(),
    topic: text("topic").notNull(),
    body: bytea("body").notNull(),
    /** W3C `traceparent` of the change, so that what follows from it is in the same trace; empty for none. */
    traceparent: text("traceparent").notNull(),
  });
}

export type OutboxTable = ReturnType<typeof outboxTable>;
