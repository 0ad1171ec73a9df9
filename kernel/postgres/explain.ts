import { StoreError, type StoreErrorCode } from "./store-error.ts";

/** Where a connection was to go, for messages. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
}

/** The code of an error of postgres.js: of the system (`ECONNREFUSED`), its own or PostgreSQL's (`28P01`). */
export function codeOfError(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** Whether a server that is about to start gives this error (PostgreSQL, appendix A: 57P03). */
export function mayComeUp(error: unknown): boolean {
  return /^(57P0[123]|ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|ETIMEDOUT|EPIPE|CONNECT_TIMEOUT|CONNECTION_)/.test(
    codeOfError(error),
  );
}

/** An error of connecting in words for people; other errors as they are. */
export function explain(error: unknown, target: Target): unknown {
  const code = codeOfError(error);
  const [storeCode, words] = meaning(code, target) ?? [];
  return storeCode ? new StoreError(storeCode, `${words} (${code}).`, { cause: error }) : error;
}

function meaning(code: string, target: Target): readonly [StoreErrorCode, string] | undefined {
  const { host, port, database, username } = target;
  const server = `${host}:${port}`;
  if (code === "28P01" || code === "28000")
    return ["STORE_UNAUTHORIZED", `PostgreSQL at ${server} does not let user "${username}" in with this password`];
  if (code === "42501")
    return ["STORE_CREATE_REFUSED", `User "${username}" may not create database "${database}" on ${server}`];
  if (code === "3D000") return ["STORE_DATABASE_MISSING", `There is no database "${database}" on ${server}`];
  if (code === "53300") return ["STORE_FULL", `PostgreSQL at ${server} has no connection left`];
  if (/CERT|ALTNAME|VERIFY|SIGN/.test(code))
    return ["STORE_TLS_REFUSED", `The certificate of PostgreSQL at ${server} is not believed`];
  if (code === "TLS_NOT_OFFERED") return ["STORE_TLS_REFUSED", `PostgreSQL at ${server} does not offer TLS`];
  if (/^(TLS|ERR_SSL)_/.test(code)) return ["STORE_TLS_REFUSED", `No TLS came about with PostgreSQL at ${server}`];
  if (mayComeUp({ code })) return ["STORE_UNREACHABLE", `PostgreSQL at ${server} cannot be reached`];
  return undefined;
}
