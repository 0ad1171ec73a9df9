import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Running } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { Store } from "../spi/store.ts";
import type { Tls } from "./connection.ts";
import { connectionFields } from "./connection-options.ts";
import { postgresStore } from "./postgres-store.ts";
import { parseServerUrl, type ServerUrl } from "./server-url.ts";
import { StoreError } from "./store-error.ts";

/** Options of whoever keeps databases on a PostgreSQL server that runs already. */
export const serverOptions = z.strictObject({
  url: z
    .string()
    .transform((text, context): ServerUrl => {
      const url = parseServerUrl(text);
      if (typeof url !== "string") return url;
      context.addIssue({ code: "custom", message: url });
      return z.NEVER;
    })
    .describe("postgres://user:password@host:5432, best from an environment variable."),
  prefix: z
    .string()
    .regex(/^([a-z][a-z0-9_-]{0,30})?$/, "may hold only lower-case letters, digits, _ and -, and starts with a letter")
    .default("")
    .describe("Before the name of each service's database, so that several systems can share a server."),
  create: z.boolean().default(true).describe("Whether to create databases that are missing."),
  connectTimeoutMs: z.int().min(1).default(5000).describe("How long making a connection may take, in milliseconds."),
  ...connectionFields,
});

export type ServerOptions = z.output<typeof serverOptions>;

/** Opens a server that runs already. Throws a StoreError when it is not to be had. */
export async function storeOn(options: ServerOptions, ports: Ports): Promise<Running<Store>> {
  const { url, prefix, create, ...connections } = options;
  const { host, port, username, password, database: maintenance } = url;
  return postgresStore({
    server: { host, port, username, password },
    connections: { ...connections, tls: tlsOf(url) },
    startTimeoutMs: connections.startTimeoutMs,
    drainTimeoutMs: connections.drainTimeoutMs,
    prefix,
    maintenance,
    create,
    ports,
  });
}

function tlsOf({ encryption, caFile, host }: ServerUrl): Tls {
  if (encryption === "disable") return false;
  return {
    ...(caFile !== undefined && { ca: read(caFile) }),
    rejectUnauthorized: encryption === "verify-full",
    host,
  };
}

function read(caFile: string): string {
  try {
    return readFileSync(caFile, "utf8");
  } catch (cause) {
    throw new StoreError("STORE_TLS_REFUSED", `The certificate ${caFile} cannot be read.`, { cause });
  }
}
