import { readFileSync } from "node:fs";
import { definePlugin, store } from "@mortise/kernel";
import type { Tls } from "@mortise/kernel/postgres/connection";
import { connectionFields } from "@mortise/kernel/postgres/connection-options";
import { postgresStore } from "@mortise/kernel/postgres/postgres-store";
import { StoreError } from "@mortise/kernel/postgres/store-error";
import { z } from "zod";
import { parseServerUrl, type ServerUrl } from "./server-url.ts";

const options = z.strictObject({
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

export type PostgresOptions = z.output<typeof options>;

/** A PostgreSQL server that runs already. */
export const postgres = definePlugin({
  spi: store,
  name: "postgres",
  description: "A PostgreSQL server that runs already: one database per service",
  options,
  setup: async ({ options, ports }) => {
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
  },
});

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
