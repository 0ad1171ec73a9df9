import { tlsOptions } from "@mortise/kernel/spi/tls-options";
import { z } from "zod";

const shape = z.enum(["message", "fields"]);
const resultShape = z.enum(["message", "field"]);

const method = z.strictObject({
  name: z.string().min(1).optional().describe("The method's name in Java; default: its TypeScript name."),
  arguments: shape
    .optional()
    .describe("Whether the request message is the one parameter, or its fields are the parameters."),
  result: resultShape.optional().describe("Whether the response message is the result, or its only field is."),
  parameters: z
    .array(z.string().min(1))
    .optional()
    .describe("The Java types of the parameters, where they are not those of the contract."),
  oneway: z
    .boolean()
    .optional()
    .describe("Whether nothing is answered: the call is over when the request is on its way."),
});

const service = z.strictObject({
  interface: z.string().min(1).optional().describe("The Java interface; default: the name of the contract."),
  group: z.string().default("").describe("Dubbo's group; empty: none."),
  version: z.string().default("").describe("Dubbo's version of the service; empty: none."),
  arguments: shape.default("message").describe("For all methods that do not say it themselves."),
  result: resultShape.default("message").describe("For all methods that do not say it themselves."),
  oneway: z.boolean().default(false).describe("For all methods that do not say it themselves."),
  methods: z.record(z.string(), method).default({}).describe("By TypeScript name."),
  exceptions: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "Java exceptions by the reason of the error they stand for: OUT_OF_STOCK: com.example.OutOfStockException.",
    ),
});

export const options = z
  .strictObject({
    host: z.string().min(1).default("127.0.0.1").describe("The address to listen on; 0.0.0.0 for all of this machine."),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(0)
      .describe("The port to listen on; 0 takes any that is free. Dubbo's usual one is 20880."),
    advertise: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The host (or host:port) others reach this process by; default: `host`, or the machine's name where `host` means all addresses.",
      ),
    tls: tlsOptions
      .optional()
      .describe("Transport security for listening and for calling; without it connections are plain."),
    maxMessageBytes: z
      .int()
      .min(1024)
      .max(1_073_741_824)
      .default(8_388_608)
      .describe("The longest message that is sent or accepted, in bytes (8 MiB, Dubbo's payload)."),
    connections: z.int().min(1).max(64).default(1).describe("Connections to each address; calls take turns on them."),
    heartbeatMs: z
      .int()
      .min(1000)
      .default(60_000)
      .describe("A connection on which nothing came or went for so long is probed by its client, in milliseconds."),
    idleMs: z
      .int()
      .min(2000)
      .default(180_000)
      .describe("A connection on which nothing has come for so long is closed, in milliseconds."),
    connectTimeoutMs: z
      .int()
      .min(1)
      .default(3000)
      .describe("How long connecting may take, TLS included, in milliseconds."),
    reconnectMinMs: z
      .int()
      .min(1)
      .default(100)
      .describe("The wait before a lost connection is tried again, in milliseconds."),
    reconnectMaxMs: z.int().min(1).default(5000).describe("What that wait grows to, in milliseconds."),
    maxCallsPerConnection: z
      .int()
      .min(1)
      .default(10_000)
      .describe("Calls of one connection that are served at the same time; more are refused with RESOURCE_EXHAUSTED."),
    maxConnections: z
      .int()
      .min(1)
      .default(10_000)
      .describe("Connections that are accepted at the same time; more are closed."),
    maxPendingBytes: z
      .int()
      .min(65_536)
      .default(67_108_864)
      .describe(
        "Bytes that may wait to be written to one peer; beyond, a client refuses calls and a server stops reading.",
      ),
    services: z
      .record(z.string(), service)
      .default({})
      .describe("How services look to Java, by the name of the contract."),
  })
  .refine(({ heartbeatMs, idleMs }) => idleMs >= 2 * heartbeatMs, {
    path: ["idleMs"],
    message: "must be at least twice heartbeatMs, or every pause would end the connection",
  });

export type DubboOptions = z.output<typeof options>;
/** How one service looks to Java. */
export type ServiceOptions = z.output<typeof service>;
