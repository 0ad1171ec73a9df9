import { transactionConformance } from "@mortise/kernel/spi/transaction.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import { local } from "./local.ts";

await onServer(
  "transaction/local over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => transactionConformance({ name: "local", make: () => ({ subject: { plugin: local, server } }) }),
);
