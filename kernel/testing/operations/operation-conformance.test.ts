import { onServer } from "../on-server.ts";
import { postgresServer } from "../postgres-server.ts";
import { bankSubject } from "./bank-subject.fixture.ts";
import { operationConformance } from "./operation-conformance.ts";

await onServer(
  "operations of a bank on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => operationConformance(bankSubject(server)),
);
