import { StatusError } from "@mortise/kernel";
import { z } from "zod";
import type { Request } from "./door.ts";
import { badRequest } from "./problem.ts";

/** Reads and checks a JSON body. INVALID_ARGUMENT names every field that is wrong. */
export async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  return checked(schema, await json(request));
}

/** Reads and checks the query of the address, where a name that stands several times gives a list. */
export function readQuery<T>(request: Request, schema: z.ZodType<T>): T {
  const query = Object.entries(request.req.queries()).map(([name, all]) => [name, all.length > 1 ? all : all[0]]);
  return checked(schema, Object.fromEntries(query));
}

/** The key under which the client may repeat a request; every request that places or pays must have one. */
export function idempotencyKey({ req }: Request): string {
  const key = req.header("idempotency-key") ?? "";
  if (/^[\x21-\x7e]{8,100}$/.test(key)) return key;
  throw new StatusError(
    "INVALID_ARGUMENT",
    "Send a header Idempotency-Key of 8 to 100 characters, new for each order.",
    {
      reason: badRequest,
      details: { "Idempotency-Key": "8 to 100 printable characters" },
    },
  );
}

async function json({ req }: Request): Promise<unknown> {
  try {
    return await req.json();
  } catch {
    throw new StatusError("INVALID_ARGUMENT", "The body is not JSON.", { reason: "NOT_JSON" });
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { fieldErrors, formErrors } = z.flattenError(result.error) as {
    readonly formErrors: readonly string[];
    readonly fieldErrors: Readonly<Record<string, readonly string[] | undefined>>;
  };
  const fields = Object.entries(fieldErrors).map(([field, messages]) => [field, messages?.[0] ?? "is not right"]);
  const message = formErrors[0] ?? `Please check ${fields.map(([field]) => field).join(", ")}.`;
  throw new StatusError("INVALID_ARGUMENT", message, { reason: badRequest, details: Object.fromEntries(fields) });
}
