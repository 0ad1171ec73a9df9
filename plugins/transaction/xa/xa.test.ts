import { transactionConformance } from "@mortise/kernel/spi/transaction.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import { xa } from "./xa.ts";

await onServer(
  "transaction/xa over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => transactionConformance({ name: "xa", make: () => ({ subject: { plugin: xa, server } }) }),
);
