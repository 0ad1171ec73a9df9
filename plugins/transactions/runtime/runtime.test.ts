import { transactionsConformance } from "@mortise/kernel/spi/transactions.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";

await onServer(
  "transactions/runtime over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => transactionsConformance({ name: "runtime", make: () => ({ subject: { server } }) }),
);
