import { transactionConformance } from "@mortise/kernel/spi/transaction.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import { saga } from "./saga.ts";

await onServer(
  "transaction/saga over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => transactionConformance({ name: "saga", make: () => ({ subject: { plugin: saga, server } }) }),
);
