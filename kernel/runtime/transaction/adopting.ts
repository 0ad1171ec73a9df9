import type { TransactionRecord } from "../../spi/coordinator.ts";
import { drive } from "./driver.ts";
import type { TransactionNode } from "./node.ts";
import type { OutboxOrigin } from "./outbox.ts";
import { begunElsewhere } from "./refusals.ts";

/** Tells the coordinator of a transaction that is in an outbox; whoever told it before was first. */
export async function adopt(node: TransactionNode, gid: string, origin: OutboxOrigin): Promise<void> {
  const transaction = node.initiated.get(origin.transaction);
  if (!transaction) throw begunElsewhere(origin.transaction);
  const { strategy, input, trace: traceparent, attempts, lastError, ageMs } = origin;
  const past = { attempts, lastError, ageMs };
  const about = { gid, strategy, input, traceparent, past, fresh: true, deadlineMs: undefined, trace: undefined };
  await drive(node, { ...about, transaction }).adopt();
}

/**
 * Sees to it that the coordinator has a record of a transaction before anything of it leaves its outbox, which until then is
 * all there is of it. Gives the record where it was read. Rejects where that cannot be known.
 *
 * @param origin what its outbox has of it, asked for only where there is no record; nothing where that is empty
 */
export async function adopted(
  node: TransactionNode,
  gid: string,
  origin: () => Promise<OutboxOrigin | undefined> | OutboxOrigin,
): Promise<TransactionRecord | undefined> {
  const before = node.adopted.get(gid);
  if (before) return before.then(() => undefined);
  const record = await node.coordinator().get(gid);
  if (record) {
    node.adopted.keep(gid, Promise.resolve());
    return record;
  }
  const there = await origin();
  if (there) await adopt(node, gid, there);
  return undefined;
}
