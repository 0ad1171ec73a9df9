import {
  type Caller,
  type CallSite,
  type Filter,
  type Identity,
  type Invoker,
  type Method,
  policyFields,
  StatusError,
  type Wrap,
} from "@mortise/kernel";
import { z } from "zod";

export const authPolicy = policyFields({
  identity: z.string().default("").describe("How callers prove who they are; empty: they do not"),
  allow: z
    .array(z.string().min(1))
    .optional()
    .describe("Who may call, by name; * stands for any characters. Without it whoever proves who they are"),
});

/**
 * Adds credentials to every attempt; at the provider checks them, sets the context's caller and refuses who may not call.
 * `identities` are those that serve now, by name. Events pass: the bus knows who may publish.
 */
export function authFilter(identities: () => ReadonlyMap<string, Identity>): Filter {
  return {
    wrap(site) {
      const { identity, allow } = authPolicy.of(site);
      if (site.method.kind === "event" || site.place === "call") return undefined;
      if (identity === "") return allow && site.place === "provider" ? unruly(site) : undefined;
      const chosen = named(identity, identities());
      return site.place === "attempt" ? attesting(chosen) : verifying(site.method, chosen, allow);
    },
  };
}

function named(name: string, identities: ReadonlyMap<string, Identity>): Identity {
  const found = identities.get(name);
  if (found) return found;
  throw new StatusError(
    "FAILED_PRECONDITION",
    `policy: identity "${name}" is not loaded; there are: ${[...identities.keys()].join(", ") || "none"}`,
  );
}

/** A rule that cannot be kept lets nobody pass. */
function unruly({ method }: CallSite): Wrap {
  const why = `policy: allow says who may call ${method.path}, but without identity nobody can prove who they are`;
  throw new StatusError("FAILED_PRECONDITION", why, { reason: "ALLOW_WITHOUT_IDENTITY" });
}

function attesting(identity: Identity): Wrap {
  return (next) => async (call) => {
    const metadata = await identity.attest(call);
    return next(metadata ? { ...call, context: call.context.with({ metadata }) } : call);
  };
}

function verifying(method: Method, identity: Identity, allow: readonly string[] | undefined): Wrap {
  const mayCall = allow ? nameIn(allow) : () => true;
  return (next): Invoker =>
    async (call) => {
      const caller: Caller = await identity.verify(call);
      if (!mayCall(caller.name)) throw notAllowed(method, caller);
      return next({ ...call, context: call.context.with({ caller }) });
    };
}

/** Whether a name matches one of the patterns as a whole. */
export function nameIn(patterns: readonly string[]): (name: string) => boolean {
  const escaped = patterns.map((pattern) => pattern.split("*").map(RegExp.escape).join(".*"));
  const any = new RegExp(`^(?:${escaped.join("|")})$`, "s");
  return patterns.length === 0 ? () => false : (name) => any.test(name);
}

function notAllowed({ path }: Method, { name }: Caller): StatusError {
  return new StatusError("PERMISSION_DENIED", `${name} may not call ${path}`, {
    reason: "CALLER_NOT_ALLOWED",
    details: { caller: name },
  });
}
