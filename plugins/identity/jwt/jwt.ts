import { definePlugin, identity } from "@mortise/kernel";
import { loadDriver } from "@mortise/kernel/spi/load-driver";
import { z } from "zod";
import { jwtIdentity } from "./jwt-identity.ts";
import { signingKey, verifyingKeys } from "./keys.ts";

const algorithm = z.enum(["HS256", "RS256", "EdDSA"]);

const options = z.strictObject({
  issuer: z.string().min(1).describe("Who makes the tokens"),
  audience: z.string().min(1).describe("Whom they are for: one name for all services that share the configuration"),
  sign: z
    .strictObject({
      caller: z.string().min(1).describe("Who this process is: the subject of its tokens"),
      algorithm,
      keyFile: z.string().optional().describe("A file with the key: PKCS #8 in PEM, or the secret for HS256"),
      secret: z.string().min(32).optional().describe("The secret for HS256; take it from an environment variable"),
      keyId: z.string().optional().describe("Its name in a JWKS file"),
      ttlMs: z.number().min(1000).default(300_000).describe("How long a token is good, in milliseconds"),
    })
    .optional(),
  verify: z
    .strictObject({
      algorithms: z.array(algorithm).min(1).describe("The algorithms that are accepted, and no others"),
      keyFile: z.string().optional().describe("A file with the key: a public key in PEM, or the secret for HS256"),
      secret: z.string().min(32).optional().describe("The secret for HS256; take it from an environment variable"),
      jwksFile: z.string().optional().describe("A file with a set of keys (JWKS)"),
      toleranceMs: z.number().min(0).default(5000).describe("How far clocks may be apart, in milliseconds"),
    })
    .optional(),
});

export type JwtOptions = z.output<typeof options>;

export const jwt = definePlugin({
  spi: identity,
  name: "jwt",
  description: "Proves callers by signed tokens that name issuer, audience and expiry",
  options,
  async setup({ options, ports }) {
    const jose = await loadDriver("identity/jwt", "jose", () => import("jose"));
    const sign = options.sign && { ...options.sign, key: await signingKey(jose, options.sign) };
    const verify = options.verify && { ...options.verify, keys: await verifyingKeys(jose, options.verify) };
    const { issuer, audience } = options;
    return { api: jwtIdentity(jose, { issuer, audience, sign, verify }, ports.clock) };
  },
});
