import { z } from "zod";

const ms = (defaultMs: number, what: string, least = 1) =>
  z.int().min(least).default(defaultMs).describe(`${what}, in milliseconds.`);
const text = (what: string) => z.string().min(1).optional().describe(what);

const tls = z.strictObject({
  caFile: text("The certificate of the authority to trust, as PEM; default: those the system trusts."),
  certFile: text("The certificate to show to the server, as PEM."),
  keyFile: text("The key of that certificate, as PEM."),
});

export const natsOptions = z.strictObject({
  servers: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((servers) => [servers].flat())
    .default(["nats://127.0.0.1:4222"])
    .describe("Addresses of the servers of one cluster; any that answers will do."),
  user: text("The user to log in as."),
  password: text("The password of the user, best from an environment variable."),
  token: text("A token to log in with, best from an environment variable."),
  credentialsFile: text("A .creds file to log in with."),
  tls: tls.optional().describe("Encrypts the connection."),
  prefix: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]*$/, "may hold only letters, digits and _, and starts with a letter")
    .max(40)
    .default("mortise")
    .describe("Before the names of streams and subjects, so that several systems can share a server."),
  partitions: z
    .int()
    .min(1)
    .max(256)
    .default(8)
    .describe("Keys of a topic that are handled at the same time by a group; holds for topics not used before."),
  storage: z.enum(["file", "memory"]).default("file").describe("Where the server keeps messages of new topics."),
  replicas: z.int().min(1).max(5).default(1).describe("Servers of the cluster that keep each message of new topics."),
  maxAgeMs: ms(7 * 86_400_000, "How long messages of new topics are kept for groups that do not fetch them"),
  dedupeWindowMs: ms(120_000, "How long the id of a message of new topics is recognised when it is published again"),
  ackWaitMs: ms(10_000, "After how long a message is given to another member when the one that has it died", 1000),
  publishTimeoutMs: ms(5000, "How long the server may take to confirm a message"),
  startTimeoutMs: ms(10_000, "How long to wait at the start for a server that cannot be reached yet"),
});

export type NatsBusOptions = z.output<typeof natsOptions>;
