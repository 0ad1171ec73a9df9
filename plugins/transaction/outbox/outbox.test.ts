import { transactionConformance } from "@mortise/kernel/spi/transaction.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import { outbox } from "./outbox.ts";

await onServer(
  "transaction/outbox over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => transactionConformance({ name: "outbox", make: () => ({ subject: { plugin: outbox, server } }) }),
);
