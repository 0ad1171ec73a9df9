import {
  asStatusError,
  type Call,
  type CallSite,
  type Cluster,
  type Group,
  type Invoker,
  type Log,
  policyFields,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { moduleFunction } from "@mortise/kernel/spi/module-function";
import { withoutNeverSent } from "@mortise/kernel/spi/sent";
import { z } from "zod";
import { grouping, type InstanceGroup } from "./groups.ts";
import { type Merge, mergeOf } from "./mergers.ts";

export const mergeablePolicy = policyFields({
  mergeBy: z
    .string()
    .regex(/^(instance|zone|version|tag\..+)$/, "is instance, zone, version or tag.<name>")
    .default("instance")
    .describe(
      "What divides the instances into groups, each of which is called once: instance, zone, version, tag.<name>",
    ),
  merger: z
    .union([
      z.string().regex(/^(default|[^#]+#[^#]+)$/, "is default or <file>#<export>"),
      z.record(z.string(), z.string()),
    ])
    .default("default")
    .describe(
      "How answers become one: default, a merger by field of the answer, or a function of a module, <file>#<export>",
    ),
  mergeAll: z
    .boolean()
    .default(false)
    .describe("true: the call fails when one group does; otherwise those that failed are left out"),
});

/** A function that makes one answer of several. */
export type MergeFunction = (answers: readonly unknown[], call: Call) => unknown;

/** Calls one instance of every group at the same time and makes one answer of theirs. */
export function mergeableCluster(log: Log): Cluster {
  return {
    invoker(site, group) {
      const { method } = site;
      if (method.kind === "client-stream" || method.kind === "bidi-stream")
        throw new StatusError(
          "FAILED_PRECONDITION",
          `policy: mergeable cannot send the stream of requests of ${method.path} more than once`,
        );
      return mergingInvoker(site, group, log);
    },
  };
}

function mergingInvoker(site: CallSite, group: Group, log: Log): Invoker {
  const { method } = site;
  const { mergeBy, mergeAll } = mergeablePolicy.of(site);
  const groupsOf = grouping(mergeBy);
  const merge = method.kind === "server-stream" ? async (replies: readonly Reply[]) => chained(replies) : merging(site);
  return async (call) => {
    const groups = groupsOf(await group.candidates(call));
    const replies = mergeAll
      ? await allReplies(call, groups, group)
      : await repliesThere(call, groups, group, (name, error) =>
          log.warn(`${method.path} failed in ${mergeBy} ${name}, whose answer is left out`, { error }),
        );
    return replies.length === 1 ? (replies[0] as Reply) : merge(replies, call);
  };
}

function merging(site: CallSite): (replies: readonly Reply[], call: Call) => Promise<Reply> {
  const { method } = site;
  const { merger } = mergeablePolicy.of(site);
  const answers = (replies: readonly Reply[]) => replies.map(({ response }) => response);
  if (typeof merger === "string" && merger !== "default") {
    const [file = "", name = ""] = merger.split("#");
    const load = moduleFunction(file, name, `the merger of ${method.path}`);
    return async (replies, call) => {
      const merge = (await load()) as MergeFunction;
      return { ...(replies[0] as Reply), response: await merge(answers(replies), call) };
    };
  }
  const merge: Merge = mergeOf(method.output, merger as "default" | Record<string, string>);
  return async (replies) => ({ ...(replies[0] as Reply), response: merge(answers(replies)) });
}

/** Rejects with the first failure, and cancels the others. */
async function allReplies(call: Call, groups: readonly InstanceGroup[], group: Group): Promise<readonly Reply[]> {
  const contexts = groups.map(() => call.context.with({}));
  try {
    return await Promise.all(
      groups.map(({ members }, i) => group.attempt({ ...call, context: contexts[i] ?? call.context }, members)),
    );
  } catch (error) {
    for (const context of contexts) context.cancel(new StatusError("CANCELLED", "another group has failed"));
    throw groups.length === 1 ? error : withoutNeverSent(error); // the others may have been reached
  }
}

/** Rejects with the last failure only when all groups fail. */
async function repliesThere(
  call: Call,
  groups: readonly InstanceGroup[],
  group: Group,
  failed: (name: string, error: StatusError) => void,
): Promise<readonly Reply[]> {
  const settled = await Promise.allSettled(groups.map(({ members }) => group.attempt(call, members)));
  const replies = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const errors = settled.flatMap((one) => (one.status === "rejected" ? [asStatusError(one.reason)] : []));
  if (call.context.cancelled) throw call.context.cancelled;
  if (replies.length === 0) {
    const last = errors.at(-1);
    throw errors.every(({ neverSent }) => neverSent) ? last : withoutNeverSent(last);
  }
  for (const [i, one] of settled.entries())
    if (one.status === "rejected") failed(groups[i]?.name ?? "", asStatusError(one.reason));
  return replies;
}

/** The streams one after the other; those not yet begun are closed when the reader leaves or one fails. */
function chained(replies: readonly Reply[]): Reply {
  const streams = replies.map(({ response }) => (response as AsyncIterable<unknown>)[Symbol.asyncIterator]());
  async function* all(): AsyncGenerator<unknown> {
    const left = [...streams];
    try {
      for (let stream = left[0]; stream; stream = left[0]) {
        const { done, value } = await stream.next();
        if (done) left.shift();
        else yield value;
      }
    } finally {
      await Promise.allSettled(left.map(async (stream) => stream.return?.()));
    }
  }
  return { ...(replies[0] as Reply), response: all() };
}
