import type { Method } from "../contract/types.ts";
import type { Schema } from "../core/schema.ts";

/**
 * Where a filter stands: `call` once per logical call at the client, `attempt` once per try on one instance,
 * `provider` around the handler.
 */
export type Place = "call" | "attempt" | "provider";

/** The method a path is compiled for, and what the configuration says about it. */
export interface CallSite {
  readonly place: Place;
  readonly method: Method;
  /** The app this process runs. */
  readonly app: string;
  /** At the provider: the service plugin whose handler runs, by its name or alias. */
  readonly service?: string;
  readonly policy: Policy;
}

/** Everything the configuration says about calls of one method: defaults, then `*`, service, method; the most specific wins. */
export interface Policy {
  /**
   * How long a call may take when its caller sets no deadline, in milliseconds; 0: as long as it likes. Default 1000, and 0
   * for methods that answer with a stream.
   */
  readonly timeoutMs: number;
  /** Further attempts after the first, for methods that may be repeated. Default 2. */
  readonly retries: number;
  readonly protocol: string;
  readonly serializer: string;
  readonly loadbalancer: string;
  readonly cluster: string;
  /** Every other field by name, unchecked: read it through {@link policyFields}. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The policy fields a plugin adds. Give `schemas` to `definePlugin({ policy })`; read them with `of(site)`. */
export interface PolicyFields<T> {
  readonly schemas: Readonly<Record<string, Schema>>;
  /** The fields for one method, complete and checked. Call it when a path is compiled, not per call. */
  of(site: CallSite): T;
}

type Outputs<S extends Readonly<Record<string, Schema>>> = {
  readonly [K in keyof S]: S[K] extends Schema<infer O> ? O : never;
};

/** Declares policy fields. Throws a TypeError from `of` if a schema refuses a value that planning had accepted. */
export function policyFields<const S extends Readonly<Record<string, Schema>>>(schemas: S): PolicyFields<Outputs<S>> {
  return {
    schemas,
    of: (site) =>
      Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, parse(name, schema, site.policy.fields[name])]),
      ) as Outputs<S>,
  };
}

function parse(name: string, schema: Schema, value: unknown): unknown {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) throw new TypeError(`policy field ${name}: its schema must be synchronous`);
  if (result.issues) throw new TypeError(`policy field ${name}: ${result.issues.map((i) => i.message).join("; ")}`);
  return result.value;
}
