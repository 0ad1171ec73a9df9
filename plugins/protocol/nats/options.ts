import { z } from "zod";

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
    .describe("Before the subjects of services, so that several systems can share a server."),
  inboxPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$/, "is a subject without wildcards")
    .max(80)
    .default("_INBOX")
    .describe("Before the subjects answers come to, where the account may listen only to its own."),
  discovery: z
    .boolean()
    .default(true)
    .describe("Whether services answer NATS's service protocol ($SRV), for `nats micro` and the like."),
  maxMessageBytes: z
    .int()
    .min(1024)
    .max(1_073_741_824)
    .default(8_388_608)
    .describe(
      "The longest message that is sent or accepted, in bytes (8 MiB, Dubbo's default); cut in pieces where NATS takes less.",
    ),
  windowBytes: z
    .int()
    .min(16_384)
    .default(262_144)
    .describe("How much of a stream may be under way to a reader that does not read, in bytes."),
  probeMs: z
    .int()
    .min(50)
    .default(1000)
    .describe("How often the other side of calls under way is looked for, in milliseconds."),
  startTimeoutMs: z
    .int()
    .min(1)
    .default(10_000)
    .describe("How long to wait at the start for a server that cannot be reached yet, in milliseconds."),
});

export type NatsOptions = z.output<typeof natsOptions>;
