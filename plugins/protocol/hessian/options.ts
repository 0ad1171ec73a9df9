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
});

const service = z.strictObject({
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, "must begin with / and hold no ?, # or space")
    .optional()
    .describe("The path of the URL; default: / and the name of the contract."),
  arguments: shape.default("message").describe("For all methods that do not say it themselves."),
  result: resultShape.default("message").describe("For all methods that do not say it themselves."),
  methods: z.record(z.string(), method).default({}).describe("By TypeScript name."),
  exceptions: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "Java exceptions by the reason of the error they stand for: OUT_OF_STOCK: com.example.OutOfStockException.",
    ),
});

export const hessianOptions = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe("The address to listen on; 0.0.0.0 for all of this machine."),
  port: z.int().min(0).max(65_535).default(0).describe("The port to listen on; 0 takes any that is free."),
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
    .max(536_870_888)
    .default(8_388_608)
    .describe("The longest body that is sent or accepted, in bytes (8 MiB, Dubbo's default)."),
  maxConnections: z
    .int()
    .min(1)
    .default(10_000)
    .describe("Connections that are accepted at the same time; more are closed."),
  maxSockets: z
    .int()
    .min(1)
    .default(100)
    .describe("Connections to each address; each carries one call at a time, further calls wait."),
  keepAliveMs: z
    .int()
    .min(0)
    .default(65_000)
    .describe("How long a connection without requests stays open, in milliseconds."),
  connectTimeoutMs: z
    .int()
    .min(1)
    .default(5000)
    .describe("How long connecting may take, TLS included, in milliseconds."),
  services: z
    .record(z.string(), service)
    .default({})
    .describe("How services look to Java, by the name of the contract."),
});

export type HessianOptions = z.output<typeof hessianOptions>;
/** How one service looks to Java. */
export type ServiceOptions = z.output<typeof service>;
