import {
  type Call,
  type Filter,
  goingUntilOver,
  type Invoker,
  type MessageType,
  type Method,
  policyFields,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { isOpaque } from "@mortise/kernel/contract";
import { z } from "zod";
import { queues } from "./queues.ts";

export const orderingPolicy = policyFields({
  ordering: z
    .strictObject({
      key: z.string().min(1).describe("The field of the request whose value orders calls, by path"),
      maxQueue: z
        .int()
        .min(0)
        .default(100)
        .describe("Calls of one key that may wait; those beyond are refused at once"),
      maxWaiting: z.int().min(1).default(10_000).describe("Calls of all keys that may wait"),
    })
    .optional(),
});

/**
 * Handles calls of a method with the same key one at a time, in the order they came to this process. A call waits no longer
 * than its deadline and leaves the queue when it is cancelled.
 */
export const orderingFilter: Filter = {
  wrap(site) {
    const { ordering } = orderingPolicy.of(site);
    const { method, place } = site;
    if (!ordering || place !== "provider" || method.kind === "client-stream" || method.kind === "bidi-stream")
      return undefined;
    const path = checked(method.input, ordering.key);
    const lanes = queues(ordering.maxQueue, ordering.maxWaiting);
    const enter = (next: Invoker, call: Call, key: unknown): Promise<Reply> =>
      goingUntilOver(next, call, () => lanes.leave(key));
    return (next) => (call) => {
      const key = valueAt(call.request, path);
      const turn = lanes.enter(key, call.context);
      if (turn === "full") return Promise.reject(full(method));
      return turn === "now" ? enter(next, call, key) : turn.then(() => enter(next, call, key));
    };
  },
};

/** The names of a path. Throws a TypeError if it names no single value of the request. */
function checked(type: MessageType, path: string): readonly string[] {
  const names = path.split(".");
  let at = type;
  for (const [i, name] of names.entries()) {
    if (isOpaque(at)) return names;
    const field = at.fields.find((one) => one.name === name);
    if (!field)
      throw wrong(path, `${at.name} has no field "${name}"; it has ${at.fields.map((one) => one.name).join(", ")}`);
    const { type: value, repeated, mapKey, oneof } = field;
    const inner = value.kind === "message";
    const bytes = value.kind === "scalar" && value.scalar === "bytes";
    if (repeated || mapKey !== undefined || oneof !== undefined || bytes || inner === (i === names.length - 1))
      throw wrong(path, `"${name}" is not a single value`);
    if (inner) at = value.message();
  }
  return names;
}

function wrong(path: string, why: string): TypeError {
  return new TypeError(`policy field ordering, key "${path}": ${why}`);
}

function valueAt(request: unknown, path: readonly string[]): unknown {
  let value = request;
  for (const name of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return value;
}

function full({ path }: Method): StatusError {
  return new StatusError("RESOURCE_EXHAUSTED", `too many calls of ${path} wait for their turn`, {
    reason: "ORDERING_QUEUE_FULL",
    retryable: true,
  });
}
