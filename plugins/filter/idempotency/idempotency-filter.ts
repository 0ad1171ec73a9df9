import { createHash } from "node:crypto";
import {
  asStatusError,
  type Cache,
  type Call,
  type ErrorCode,
  type Filter,
  going,
  type Invoker,
  type Method,
  noMetadata,
  type Ports,
  policyFields,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";
import { z } from "zod";
import { type Kept, read, write } from "./record.ts";

export const idempotencyPolicy = policyFields({
  idempotency: z
    .strictObject({
      cache: z.string().min(1).describe("The cache that keeps results"),
      keepMs: z.number().min(1000).default(86_400_000).describe("How long a result is repeated, in milliseconds"),
      runMs: z
        .number()
        .min(1000)
        .default(60_000)
        .describe(
          "How long a request may run until its key is free again, should its process have died, in milliseconds",
        ),
      required: z.boolean().default(false).describe("Whether calls without a key are refused"),
    })
    .optional(),
});

type Settings = NonNullable<ReturnType<typeof idempotencyPolicy.of>["idempotency"]>;

/** How often somebody looks for the result of a request that another process does, in milliseconds. */
const lookEveryMs = 50;

/** Does a request with an idempotency key once per method, tenant and caller; its duplicates wait and get its result. */
export function idempotencyFilter(caches: () => ReadonlyMap<string, Cache>, ports: Ports): Filter {
  return {
    wrap(site) {
      const { idempotency } = idempotencyPolicy.of(site);
      if (!idempotency || site.place !== "provider" || site.method.kind !== "unary") return undefined;
      const store = reachable(named(idempotency.cache, caches()));
      return (next) => once(next, site.method, store, idempotency, ports);
    },
  };
}

function named(name: string, caches: ReadonlyMap<string, Cache>): Cache {
  const found = caches.get(name);
  if (found) return found;
  throw new StatusError(
    "FAILED_PRECONDITION",
    `policy: idempotency names the cache "${name}", which is not loaded; there are: ${[...caches.keys()].join(", ") || "none"}`,
  );
}

/** A cache whose failures say that nothing was done. */
function reachable(cache: Cache): Pick<Cache, "get" | "add"> & { readonly raw: Cache } {
  const refuse = (cause: unknown): never => {
    throw new StatusError("UNAVAILABLE", "the memory of idempotency keys does not answer", {
      reason: "IDEMPOTENCY_UNAVAILABLE",
      cause,
    });
  };
  return {
    raw: cache,
    get: (key) => cache.get(key).catch(refuse),
    add: (key, value, ttlMs) => cache.add(key, value, ttlMs).catch(refuse),
  };
}

function once(
  next: Invoker,
  method: Method,
  store: ReturnType<typeof reachable>,
  { keepMs, runMs, required }: Settings,
  { timers }: Ports,
): Invoker {
  const input = codecOf(method.input);
  const output = codecOf(method.output);

  async function run(key: string, digest: string, call: Call): Promise<Reply> {
    try {
      const reply = await going(next, call);
      await keep(key, { state: "done", digest, response: output.encode(reply.response) });
      return reply;
    } catch (thrown) {
      const error = asStatusError(thrown);
      if (mayDiffer.has(error.code) || error.retryable) await store.raw.delete(key).catch(() => undefined);
      else await keep(key, { state: "failed", digest, error });
      throw error;
    }
  }

  /** The request is done: that its result cannot be kept is no reason to fail it. */
  const keep = (key: string, kept: Kept) => store.raw.set(key, write(kept), keepMs).catch(() => undefined);

  function repeated(kept: Exclude<Kept, { readonly state: "pending" }>): Reply {
    if (kept.state === "failed") throw kept.error;
    return { response: output.decode(kept.response), headers: noMetadata, trailers: () => noMetadata };
  }

  return async (call) => {
    const { context } = call;
    if (context.idempotencyKey === undefined) {
      if (required) throw noKey(method);
      return next(call);
    }
    const key = keyOf(method, call);
    const digest = createHash("sha256").update(input.encode(call.request)).digest("base64url");
    for (;;) {
      if (await store.add(key, write({ state: "pending", digest }), runMs)) return run(key, digest, call);
      const bytes = await store.get(key);
      const kept = bytes && read(bytes);
      if (kept && kept.digest !== digest) throw reused(method);
      if (kept && kept.state !== "pending") return repeated(kept);
      await timers.sleep(lookEveryMs, context.signal);
    }
  };
}

/** Failures after which the same request may well succeed: they are not kept. */
const mayDiffer: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "CANCELLED",
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "RESOURCE_EXHAUSTED",
  "ABORTED",
  "INTERNAL",
  "UNAVAILABLE",
]);

function keyOf({ path }: Method, { context: { tenant, caller, idempotencyKey } }: Call): string {
  return `once:${JSON.stringify([path, tenant ?? null, caller?.name ?? null, idempotencyKey])}`;
}

function noKey({ path }: Method): StatusError {
  return new StatusError("INVALID_ARGUMENT", `${path} takes only calls with an idempotency key`, {
    reason: "IDEMPOTENCY_KEY_MISSING",
  });
}

function reused({ path }: Method): StatusError {
  return new StatusError("INVALID_ARGUMENT", `the idempotency key was used for another request to ${path}`, {
    reason: "IDEMPOTENCY_KEY_REUSED",
  });
}
