import { type Call, type CallSite, type Filter, policyFields, StatusError, type Wrap } from "@mortise/kernel";
import { z } from "zod";
import type { Check } from "./check.ts";
import { constraintsOf } from "./constraint.ts";
import { constraint } from "./rules.ts";
import { shapeOf } from "./shape.ts";

export const validatePolicy = policyFields({
  validate: z
    .record(z.string(), constraint)
    .default({})
    .describe("What the fields of requests must be, by path: { lines.quantity: { min: 1 } }."),
});

/** Problems told of one request; more are only counted. */
const toldAtMost = 10;

/** The protocol that hands requests over as they are; all others encode them, and that checks them. */
const unencoded = "inproc";

/**
 * Refuses requests with INVALID_ARGUMENT: before they are handed over within the process those that are no complete value
 * of their message, and before they reach the handler those that break a constraint of the policy. Every message of a
 * stream is looked at when it is read.
 */
export const validateFilter: Filter = {
  wrap(site) {
    if (site.place === "attempt")
      return refusing(site, shapeOf(site.method.input), ({ instance }) => instance?.protocol === unencoded);
    if (site.place !== "provider") return undefined;
    const { validate } = validatePolicy.of(site);
    if (Object.keys(validate).length === 0) return undefined;
    const shape = shapeOf(site.method.input);
    const constraints = constraintsOf(site.method.input, validate);
    return refusing(
      site,
      (value, report) => shape(value, report) && constraints(value, report),
      () => true,
    );
  },
};

function refusing({ method }: CallSite, check: Check, concerns: (call: Call) => boolean): Wrap {
  if (method.kind === "client-stream" || method.kind === "bidi-stream") {
    return (next) => (call) => next(concerns(call) ? { ...call, request: checkedStream(call.request, check) } : call);
  }
  return (next) => (call) =>
    !concerns(call) || check(call.request) ? next(call) : Promise.reject(refusal(call.request, check));
}

async function* checkedStream(source: unknown, check: Check): AsyncIterable<unknown> {
  for await (const message of source as AsyncIterable<unknown>) {
    if (!check(message)) throw refusal(message, check);
    yield message;
  }
}

/** Says what is wrong, never what the value was. */
function refusal(value: unknown, check: Check): StatusError {
  const details: Record<string, string> = {};
  let count = 0;
  check(value, (path, problem) => {
    if (count++ < toldAtMost) details[path.replace(/^\./, "") || "request"] ??= problem;
  });
  const [[field, problem] = ["request", "is wrong"]] = Object.entries(details);
  const more = count > 1 ? ` (and ${count - 1} more)` : "";
  return new StatusError("INVALID_ARGUMENT", `${field} ${problem}${more}`, { reason: "INVALID_REQUEST", details });
}
