import { transactionConformance } from "@mortise/kernel/spi/transaction.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import { tcc } from "./tcc.ts";

await onServer(
  "transaction/tcc over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => transactionConformance({ name: "tcc", make: () => ({ subject: { plugin: tcc, server } }) }),
);
