import { transactionConformance } from "@mortise/kernel/spi/transaction.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import { bestEffort } from "./best-effort.ts";

await onServer(
  "transaction/best-effort over databases of a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) =>
    transactionConformance({ name: "best-effort", make: () => ({ subject: { plugin: bestEffort, server } }) }),
);
