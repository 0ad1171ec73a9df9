import { definePlugin, identity } from "@mortise/kernel";
import { z } from "zod";
import { hmacIdentity } from "./hmac-identity.ts";
import { keyRing } from "./key-ring.ts";

const key = z
  .strictObject({
    caller: z.string().min(1).describe("Who signs with this key"),
    secret: z.string().min(32).optional().describe("At least 32 characters; take it from an environment variable"),
    secretFile: z.string().min(1).optional().describe("A file that holds the secret instead"),
  })
  .refine(({ secret, secretFile }) => (secret === undefined) !== (secretFile === undefined), {
    message: "give either secret or secretFile",
  });

const options = z.strictObject({
  keys: z.record(z.string().regex(/^[\w.-]{1,64}$/), key).describe("The keys by id: those of callers and our own"),
  signWith: z
    .string()
    .optional()
    .describe("The id of the key this process signs its calls with; without it none is signed"),
  maxAgeMs: z
    .number()
    .min(100)
    .default(10_000)
    .describe("How far the time of a signature may be from ours, in milliseconds"),
  maxNonces: z
    .int()
    .min(1)
    .default(200_000)
    .describe("Signatures remembered against replay; when so many are fresh, further calls are refused"),
  signedHeaders: z.array(z.string().toLowerCase()).default([]).describe("Headers of applications that are signed, too"),
});

export const hmac = definePlugin({
  spi: identity,
  name: "hmac",
  description: "Signs every call with a shared secret: method, request, time and a number used once",
  options,
  setup: async ({ options, ports }) => ({
    api: hmacIdentity(await keyRing(options.keys, options.signWith), options, ports),
  }),
});
