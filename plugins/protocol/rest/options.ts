import { tlsOptions } from "@mortise/kernel/spi/tls-options";
import { z } from "zod";
import { corsOptions } from "./cors.ts";

export const restOptions = z.strictObject({
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
  cors: corsOptions.optional().describe("Which pages of other origins browsers let call; without it none."),
  openapi: z.boolean().default(true).describe("Whether /openapi.json describes what is offered."),
  title: z.string().min(1).default("Services").describe("The title of that description."),
  maxMessageBytes: z
    .int()
    .min(1024)
    .max(536_870_888)
    .default(8_388_608)
    .describe("The longest body or event that is sent or accepted, in bytes (8 MiB, Dubbo's default)."),
  maxHeaderBytes: z
    .int()
    .min(1024)
    .default(65_536)
    .describe("The longest head of a request or response that is accepted, in bytes."),
  keepAliveMs: z
    .int()
    .min(0)
    .default(65_000)
    .describe("How long a connection of HTTP/1.1 without requests stays open, in milliseconds."),
  connectTimeoutMs: z
    .int()
    .min(1)
    .default(5000)
    .describe("How long connecting may take, TLS included, in milliseconds."),
  maxConcurrentStreams: z
    .int()
    .min(1)
    .default(10_000)
    .describe("How many calls of one connection of HTTP/2 are served at the same time; the others wait at the caller."),
});

export type RestOptions = z.output<typeof restOptions>;
