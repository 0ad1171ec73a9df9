import { createHash } from "node:crypto";
import {
  type Cache,
  type Call,
  type Context,
  codeOf,
  type Filter,
  going,
  type Invoker,
  type Log,
  type Method,
  noMetadata,
  orCancelled,
  policyFields,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";
import { z } from "zod";

export const cachePolicy = policyFields({
  cache: z.string().default("").describe("The cache of answers; methods that are not readOnly are never cached"),
  cacheTtlMs: z.number().min(0).default(0).describe("How long an answer is good, in milliseconds; 0: none is kept"),
  cacheFor: z
    .enum(["caller", "tenant", "all"])
    .default("caller")
    .describe("Who shares answers: one caller of one tenant, all callers of one tenant, or everybody"),
  cacheAt: z.enum(["call", "provider"]).default("call").describe("Where: at the caller, or at the service"),
});

type Audience = ReturnType<typeof cachePolicy.of>["cacheFor"];

/**
 * Answers unary calls of readOnly methods from the cache. Of calls that miss the same answer at the same time one goes on,
 * and the others wait for it. `caches` are those that serve now, by name; one that fails is done without.
 */
export function cacheFilter(caches: () => ReadonlyMap<string, Cache>, log: Log): Filter {
  return {
    wrap({ method, place, policy, ...site }) {
      const fields = cachePolicy.of({ method, place, policy, ...site });
      const { cache, cacheTtlMs, cacheFor, cacheAt } = fields;
      if (cache === "" || cacheTtlMs === 0 || place !== cacheAt) return undefined;
      if (!method.facts.readOnly || method.kind !== "unary") return undefined;
      const store = tolerant(named(cache, caches()), log);
      return (next) => cached(next, method, store, (context) => audience(context, cacheFor), cacheTtlMs);
    },
  };
}

function named(name: string, caches: ReadonlyMap<string, Cache>): Cache {
  const found = caches.get(name);
  if (found) return found;
  throw new StatusError(
    "FAILED_PRECONDITION",
    `policy: cache "${name}" is not loaded; there are: ${[...caches.keys()].join(", ") || "none"}`,
  );
}

/** Where nothing is known, nothing is shared with those of whom something is. */
function audience({ tenant, caller }: Context, shared: Audience): readonly (string | null)[] {
  if (shared === "all") return [];
  return shared === "tenant" ? [tenant ?? null] : [tenant ?? null, caller?.name ?? null];
}

type Store = Pick<Cache, "get" | "set">;

/** A cache that cannot be reached has nothing and keeps nothing. */
function tolerant(cache: Cache, log: Log): Store {
  const failed = (error: unknown): undefined => {
    log.debug("filter/cache: the cache does not answer", { error });
  };
  return {
    get: (key) => cache.get(key).catch(failed),
    set: (key, value, ttlMs) => cache.set(key, value, ttlMs).catch(failed),
  };
}

function cached(
  next: Invoker,
  method: Method,
  store: Store,
  audienceOf: (context: Context) => readonly (string | null)[],
  ttlMs: number,
): Invoker {
  const output = codecOf(method.output);
  const flights = new Map<string, Promise<Reply>>();
  const keyOf = ({ request, context }: Call): string => {
    const who = JSON.stringify([method.path, ...audienceOf(context)]);
    const digest = createHash("sha256").update(codecOf(method.input).encode(request)).digest("base64url");
    return `call:${who}:${digest}`;
  };

  async function fetch(key: string, call: Call): Promise<Reply> {
    const kept = await store.get(key);
    const known = kept && decoded(kept);
    if (known) return known;
    const reply = await going(next, call);
    await store.set(key, output.encode(reply.response), ttlMs);
    return reply;
  }

  /** What an older version of the contract has kept may not be readable: then nothing was kept. */
  function decoded(bytes: Uint8Array): Reply | undefined {
    try {
      return { response: output.decode(bytes), headers: noMetadata, trailers: () => noMetadata };
    } catch {
      return undefined;
    }
  }

  /** An answer of its own for everybody, so that nobody changes that of another. */
  const copied = (reply: Reply): Reply => decoded(output.encode(reply.response)) ?? reply;

  return async (call) => {
    const key = keyOf(call);
    for (;;) {
      const flight = flights.get(key);
      if (!flight) return lead(flights, key, () => fetch(key, call));
      try {
        return copied(await orCancelled(flight, call.context));
      } catch (error) {
        if (call.context.cancelled || !ofTheLeader.has(codeOf(error))) throw error;
      }
    }
  };
}

/** How a call ends that ran out of its own time: it says nothing about those who wait for it. */
const ofTheLeader: ReadonlySet<string> = new Set(["CANCELLED", "DEADLINE_EXCEEDED"]);

function lead(flights: Map<string, Promise<Reply>>, key: string, work: () => Promise<Reply>): Promise<Reply> {
  const flight = work().finally(() => flights.delete(key));
  flights.set(key, flight);
  return flight;
}
