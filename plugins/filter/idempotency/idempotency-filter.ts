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
  type Store,
} from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";
import { z } from "zod";
import { type Keeping, keepingIn, onceInDatabase, type Requests } from "./in-database.ts";
import { type Kept, read, write } from "./record.ts";

const settings = z
  .strictObject({
    cache: z.string().min(1).optional().describe("The cache that keeps results"),
    database: z
      .string()
      .min(1)
      .optional()
      .describe(
        "In place of a cache: the service's own database, which keeps results in the transaction of the handler",
      ),
    keepMs: z.number().min(1000).default(86_400_000).describe("How long a result is repeated, in milliseconds"),
    runMs: z
      .number()
      .min(1000)
      .default(60_000)
      .describe(
        "How long a request may run until its key is free again, should its process have died, in milliseconds; with a cache",
      ),
    required: z.boolean().default(false).describe("Whether calls without a key are refused"),
  })
  .refine(({ cache, database }) => (cache === undefined) !== (database === undefined), {
    message: "name either the cache or the database that keeps results",
  });

export const idempotencyPolicy = policyFields({ idempotency: settings.optional() });

/** What keeps results. */
export interface Memories {
  readonly caches: () => ReadonlyMap<string, Cache>;
  /** The store that serves now, if there is one. */
  readonly store: () => Store | undefined;
  /** How many requests of this process hold a transaction at once, per database. */
  readonly transactions: number;
}

type Settings = NonNullable<ReturnType<typeof idempotencyPolicy.of>["idempotency"]>;

/** How often somebody looks for the result of a request that another process does, in milliseconds. */
const lookEveryMs = 50;

/** Does a request with an idempotency key once per method, tenant and caller; its duplicates wait and get its result. */
export function idempotencyFilter({ caches, store, transactions }: Memories, ports: Ports): Filter {
  const databases = new Map<string, { readonly store: Store; readonly kept: Promise<Keeping> }>();

  /** Opened with the first request that needs it, and again after a failure. */
  function keeping(name: string): Promise<Keeping> {
    const now = store();
    if (!now) throw noStore(name);
    const known = databases.get(name);
    if (known?.store === now) return known.kept;
    const kept = now.database(name).then((database) => keepingIn(database, transactions));
    databases.set(name, { store: now, kept });
    kept.catch(() => databases.delete(name));
    return kept;
  }

  return {
    wrap(site) {
      const { place, method } = site;
      const { idempotency } = idempotencyPolicy.of(site);
      if (!idempotency || place !== "provider" || method.kind !== "unary") return undefined;
      const { cache, database, required } = idempotency;
      if (database !== undefined && !store()) throw noStore(database);
      const requests = requestsOf(method, idempotency);
      const memory = cache === undefined ? undefined : reachable(named(cache, caches()));
      return (next) => {
        const once = memory
          ? onceInCache(next, memory, requests, idempotency, ports)
          : onceInDatabase(next, async () => keeping(database ?? ""), requests, ports);
        return (call) => {
          if (call.context.idempotencyKey !== undefined) return once(call);
          if (required) throw noKey(method);
          return next(call);
        };
      };
    },
  };
}

function noStore(database: string): StatusError {
  return new StatusError(
    "FAILED_PRECONDITION",
    `policy: idempotency names the database "${database}", but no store is selected; write use: { store: … }`,
  );
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

function requestsOf(method: Method, { keepMs }: Settings): Requests {
  const input = codecOf(method.input);
  const output = codecOf(method.output);
  return {
    keepMs,
    keyOf: (call) => keyOf(method, call),
    digestOf: ({ request }) => createHash("sha256").update(input.encode(request)).digest("base64url"),
    encode: (response) => output.encode(response),
    isFinal: ({ code, retryable }) => !mayDiffer.has(code) && !retryable,
    repeat(kept, digest) {
      if (kept.digest !== digest) throw reused(method);
      if (kept.state === "failed") throw kept.error;
      if (kept.state === "pending")
        throw new StatusError("INTERNAL", "a result was taken for one that is not there yet");
      return { response: output.decode(kept.response), headers: noMetadata, trailers: () => noMetadata };
    },
  };
}

function onceInCache(
  next: Invoker,
  store: ReturnType<typeof reachable>,
  requests: Requests,
  { keepMs, runMs }: Settings,
  { timers }: Ports,
): Invoker {
  async function run(key: string, digest: string, call: Call): Promise<Reply> {
    try {
      const reply = await going(next, call);
      await keep(key, { state: "done", digest, response: requests.encode(reply.response) });
      return reply;
    } catch (thrown) {
      const error = asStatusError(thrown);
      if (requests.isFinal(error)) await keep(key, { state: "failed", digest, error });
      else await store.raw.delete(key).catch(() => undefined);
      throw error;
    }
  }

  /** The request is done: that its result cannot be kept is no reason to fail it. */
  const keep = (key: string, kept: Kept) => store.raw.set(key, write(kept), keepMs).catch(() => undefined);

  return async (call) => {
    const key = requests.keyOf(call);
    const digest = requests.digestOf(call);
    for (;;) {
      if (await store.add(key, write({ state: "pending", digest }), runMs)) return run(key, digest, call);
      const bytes = await store.get(key);
      const kept = bytes && read(bytes);
      if (kept && (kept.state !== "pending" || kept.digest !== digest)) return requests.repeat(kept, digest);
      await timers.sleep(lookEveryMs, call.context.signal);
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
