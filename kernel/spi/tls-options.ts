import { z } from "zod";

const pem = (what: string) => z.string().min(1).describe(`${what}: a file, or the PEM text itself.`);

/** The option `tls` of protocols that open connections of their own; `readTlsFiles` reads what it names. */
export const tlsOptions = z
  .strictObject({
    cert: pem("The certificate chain this process shows").optional(),
    key: pem("The private key of `cert`").optional(),
    ca: pem("Who signed the certificates of the others; without it the well-known authorities").optional(),
    mutual: z
      .boolean()
      .default(false)
      .describe("Whether callers must show a certificate signed by `ca`, and this process shows `cert` when it calls."),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe("The name the certificates of servers must carry, where it is not the host of their address."),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    message: "`cert` and `key` go together: give both or neither",
  })
  .refine(({ cert, ca, mutual }) => !mutual || (cert !== undefined && ca !== undefined), {
    message: "`mutual` needs `cert`, `key` and `ca`",
  });

/** How connections are to be secured. */
export type TlsOptions = z.output<typeof tlsOptions>;
