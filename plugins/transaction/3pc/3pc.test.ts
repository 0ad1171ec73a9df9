import { transactionConformance } from "@mortise/kernel/spi/transaction.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import { threePhase } from "./3pc.ts";

await onServer(
  "transaction/3pc over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => transactionConformance({ name: "3pc", make: () => ({ subject: { plugin: threePhase, server } }) }),
);
