/** PostgreSQL (appendix A), postgres.js and the store about a server that is away, stops, starts or is full. */
const away = /^(08|57P0[1-5]|53300|CONNECTION_|CONNECT_TIMEOUT|STORE_(UNREACHABLE|FULL|STOPPED)$)/;

/** The system about any connection. */
const unreachable = /^(ECONN|EHOST|ENET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENOENT)/;

/**
 * Whether an error, or what caused it, says that the store did not answer: then nobody knows what was done. An error of the
 * system counts only where postgres.js gave it to a query.
 */
export function isStoreLost(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code === "string" && (away.test(code) || ("query" in error && unreachable.test(code)))) return true;
  return isStoreLost(cause);
}
