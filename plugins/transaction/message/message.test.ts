import { transactionConformance } from "@mortise/kernel/spi/transaction.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import { message } from "./message.ts";

await onServer(
  "transaction/message over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => transactionConformance({ name: "message", make: () => ({ subject: { plugin: message, server } }) }),
);
