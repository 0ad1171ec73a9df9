import { definePlugin, identity } from "@mortise/kernel";
import { z } from "zod";
import { mtlsIdentity } from "./mtls-identity.ts";

const options = z
  .strictObject({
    name: z
      .enum(["spiffe", "common-name", "dns", "subject"])
      .default("spiffe")
      .describe(
        "Where the caller's name stands in its certificate: the SPIFFE id, a part of the subject, the first host name",
      ),
    trustDomain: z
      .string()
      .regex(/^[a-z0-9._-]{1,255}$/, "holds lower-case letters, digits, '.', '-' and '_'")
      .optional()
      .describe(
        "The only trust domain whose SPIFFE ids are believed; names are then what follows it, for example `order`",
      ),
  })
  .refine(({ name, trustDomain }) => trustDomain === undefined || name === "spiffe", {
    path: ["trustDomain"],
    message: "is for SPIFFE ids only",
  });

export const mtls = definePlugin({
  spi: identity,
  name: "mtls",
  description: "Proves callers by the certificate of their connection",
  options,
  setup: ({ options, ports }) => ({ api: mtlsIdentity(options, ports.clock) }),
});
