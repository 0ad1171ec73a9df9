/** How a pool chooses the queries it prepares. */
export interface PreparedTextsOptions {
  /** A query is prepared when it is sent for the so many-th time. */
  readonly threshold: number;
  /** So many different queries are prepared at most; each connection keeps them until it is closed. */
  readonly limit: number;
  /** Longer ones are never prepared. */
  readonly maxLength: number;
  /** So many queries that are not prepared are counted, those sent last. */
  readonly remembered: number;
}

/** Threshold and limit are the defaults of pgjdbc 42 (`prepareThreshold`, `preparedStatementCacheQueries`). */
export const preparedTextsDefaults: PreparedTextsOptions = {
  threshold: 5,
  limit: 256,
  maxLength: 4096,
  remembered: 512,
};

/** `check`: not prepared, and whoever sends it tells the types the server now gives its parameters. */
export type How = "plain" | "prepared" | "check";

/** Which queries a pool prepares. A query is known by its text and what else decides about its statement. */
export interface PreparedTexts {
  /** Counts a query that is sent now, and says how. */
  next(query: string): How;
  /** It failed in a way that an outdated statement may be the reason of; `types` are those of its parameters in the statement. */
  doubt(query: string, types: string): void;
  /** Sent for a check it succeeded, and these are the types of its parameters. */
  checked(query: string, types: string): void;
  /** It is prepared no more. */
  retire(query: string): void;
}

/** What became of a query that was chosen; in `doubted` the types its statement was made for. */
type Chosen = "prepared" | "retired" | { readonly doubted: string };

/** Chooses what is sent often, first come, first served: what was chosen keeps its place. */
export function preparedTexts(options: PreparedTextsOptions = preparedTextsDefaults): PreparedTexts {
  const { threshold, limit, maxLength, remembered } = options;
  const chosen = new Map<string, Chosen>();
  const sent = new Map<string, number>(); // the one sent last is the last

  function choose(query: string): void {
    chosen.set(query, "prepared");
    sent.delete(query);
    if (chosen.size >= limit) sent.clear(); // there is nothing to count for any more
  }

  function count(query: string): How {
    if (chosen.size >= limit || query.length > maxLength) return "plain";
    const times = (sent.get(query) ?? 0) + 1;
    if (times >= threshold) {
      choose(query);
      return "prepared";
    }
    sent.delete(query);
    sent.set(query, times);
    if (sent.size > remembered) sent.delete(oldest(sent));
    return "plain";
  }

  return {
    next(query) {
      const state = chosen.get(query);
      if (state === undefined) return count(query);
      if (state === "retired") return "plain";
      return state === "prepared" ? "prepared" : "check";
    },
    doubt(query, types) {
      if (chosen.get(query) === "prepared") chosen.set(query, { doubted: types });
    },
    checked(query, types) {
      const state = chosen.get(query);
      if (typeof state === "object") chosen.set(query, state.doubted === types ? "prepared" : "retired");
    },
    retire(query) {
      if (chosen.has(query)) chosen.set(query, "retired");
    },
  };
}

function oldest(map: ReadonlyMap<string, unknown>): string {
  for (const key of map.keys()) return key;
  return "";
}
