import { bool, bytes, field, map, string } from "../fields.ts";
import { message } from "../message.ts";
import { topic } from "../service.ts";
import type { TopicType } from "../types.ts";
import { Drive, Driven, type DriveRequest } from "./participant.ts";

/** Tells whoever sent a branch over the bus how it ended. */
export const Acknowledged = message("mortise.transaction.v1.Acknowledged", {
  gid: string(1),
  branch: string(2),
  driven: field(3, Driven),
  /** What the transaction is driven by; empty from those who do not say so. */
  strategy: string(4),
});

/** Tells how a transaction ended. Delivered at least once, before or after the last of its branches is final. */
export const TransactionEnded = message("mortise.transaction.v1.TransactionEnded", {
  gid: string(1),
  transaction: string(2),
  committed: bool(3),
  /** Why it was not done; empty where it was. */
  reason: string(4),
  step: string(5),
  details: map("string", string(6)),
  /** As bytes of the input's message. */
  input: bytes(7),
});

/**
 * Branches for the participant called `name`, in no order: one that has to wait for another is sent when that is done. So
 * none that is tried again holds up the others.
 */
export function branchTopic(name: string): TopicType<DriveRequest> {
  return topic(`mortise.transaction.branch.${name}`, Drive);
}

/** What became of branches that the transaction called `name` sent over the bus, in no order. */
export function acknowledgementTopic(name: string) {
  return topic(`mortise.transaction.done.${name}`, Acknowledged);
}

/** Transactions wait for somebody to drive them on. */
export const Due = message("mortise.transaction.v1.Due", {});

/** Tells whoever can drive the transactions called `name` to look at once. Only a hint: they look by themselves as well. */
export function dueTopic(name: string) {
  return topic(`mortise.transaction.due.${name}`, Due);
}

/**
 * The ends of the transactions called `name`. The id of an event is `<gid>:end`, by whomever it is published: a repetition that
 * the bus does not recognise any more is told by its `gid`.
 */
export function endedTopic(name: string) {
  return topic(`mortise.transaction.ended.${name}`, TransactionEnded, { key: "gid" });
}
