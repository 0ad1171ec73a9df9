/** Every way a store can fail to serve. The key is the code, the value what to do about it. */
export const storeErrors = {
  STORE_BINARIES_MISSING:
    "Install it (npm leaves optional dependencies out with --omit=optional), or use store/postgres with a server of your own.",
  STORE_BINARIES_BROKEN:
    "The binaries need glibc and a place they may run from; where that is not to be had, use store/postgres with a server of your own.",
  STORE_CREATE_REFUSED: "Let the user create databases (alter role … createdb), or create the database beforehand.",
  STORE_DATABASE_MISSING: "Create it, or set create: true.",
  STORE_DATA_IN_USE: "Stop the other app, or give this one a dataDir of its own.",
  STORE_DATA_UNUSABLE: "Give a dataDir that this account may write to, or remove what is there.",
  STORE_DATA_VERSION: "Dump it with the version it was made by and load it again, or give another dataDir.",
  STORE_DRIVER_MISSING: "Install it beside @mortise/kernel.",
  STORE_FULL: "Raise max_connections of the server, or lower poolSize.",
  STORE_MIGRATION_FAILED: "Nothing of it was applied; put the migration right and start again.",
  STORE_MIGRATIONS_MISSING: "Write them with drizzle-kit generate, or give the folder that holds meta/_journal.json.",
  STORE_NAME_INVALID:
    "Start with a lower-case letter and use only lower-case letters, digits, _ and -; PostgreSQL allows 63 in all.",
  STORE_PORT_TAKEN: "Set port: 0 for any free port, or another port.",
  STORE_START_FAILED: "PostgreSQL ended while it started; see its words above.",
  STORE_STOPPED: "The store is stopped; open databases while it runs.",
  STORE_TLS_REFUSED: "Correct sslmode, sslrootcert and the host in the url, or ssl and the certificate of the server.",
  STORE_UNAUTHORIZED: "Correct user and password in the url.",
  STORE_UNREACHABLE: "Start the server, or correct host and port in the url.",
} as const;

export type StoreErrorCode = keyof typeof storeErrors;

/** The only error a store throws by itself. Switch on `code`; `message` says what happened and what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  /** @param subject what happened, as a sentence. */
  constructor(code: StoreErrorCode, subject: string, options?: ErrorOptions) {
    super(`${subject} ${storeErrors[code]}`, options);
    this.code = code;
  }
}
