import type { ConnectionOptions } from "../postgres/connection.ts";

/** Connections as tests have them: given time on a busy machine, and without limits for what is asked. */
export const testConnections: ConnectionOptions = {
  poolSize: 8,
  connectTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  statementTimeoutMs: 0,
  lockTimeoutMs: 0,
  idleTransactionTimeoutMs: 0,
  tls: false,
};
