import { tlsOptions } from "@mortise/kernel/spi/tls-options";
import { z } from "zod";

export const options = z.strictObject({
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
  reflection: z.boolean().default(true).describe("Whether clients may ask which services and messages there are."),
  health: z.boolean().default(true).describe("Whether grpc.health.v1.Health is served."),
  maxMessageBytes: z
    .int()
    .min(1024)
    .max(2_147_483_647)
    .default(8_388_608)
    .describe("The longest message that is sent or accepted, in bytes (8 MiB, Dubbo's default)."),
  keepaliveMs: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "How often a connection with calls is probed, in milliseconds; 0: never. Keep it above the drain deadline.",
    ),
  keepaliveTimeoutMs: z.int().min(1).default(20_000).describe("How long a probe may stay unanswered, in milliseconds."),
  connectTimeoutMs: z
    .int()
    .min(1)
    .default(5000)
    .describe("How long connecting may take, TLS included, in milliseconds."),
  reconnectMinMs: z
    .int()
    .min(1)
    .default(100)
    .describe("The wait before a lost connection is tried again, in milliseconds."),
  reconnectMaxMs: z.int().min(1).default(5000).describe("What that wait grows to, in milliseconds."),
  maxConcurrentStreams: z
    .int()
    .min(1)
    .default(10_000)
    .describe("How many calls of one connection are served at the same time; the others wait at the caller."),
});

export type GrpcOptions = z.output<typeof options>;
