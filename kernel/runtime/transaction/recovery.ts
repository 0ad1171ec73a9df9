import type { TransactionRecord } from "../../spi/coordinator.ts";
import { interrupted } from "../../spi/transaction-record.ts";
import { makeWorker, type Worker } from "../../spi/worker.ts";
import { type Running, start, strategyOf, subjectOfRecord } from "./initiator.ts";
import type { TransactionNode } from "./node.ts";
import { leavingStrategyless } from "./strategyless.ts";

/** Goes on with what is due and nobody works on, and says what this process still works on. */
export function recovery(node: TransactionNode, running: Map<string, Running>): Worker {
  const { options, ports, log } = node;
  /** What was claimed here and is driven now: no more is claimed than can be driven. */
  const driven = new Set<string>();
  const told = new Set<string>();
  const leave = leavingStrategyless(node);

  function keepCount(gid: string, taken: Running | undefined): void {
    if (!taken) return;
    driven.add(gid);
    void taken.over.then(() => {
      driven.delete(gid);
      if (driven.size === Math.floor(options.recoverBatch / 2)) finding.wake();
    });
  }

  /** Says once of each version that it goes on with the steps of its own record, and what they are given by the version here. */
  function tellVersions({ gid, name, version: begun }: TransactionRecord): void {
    const here = node.initiated.get(name)?.version;
    if (here === undefined || here === begun || told.has(`${name}@${begun}`)) return;
    told.add(`${name}@${begun}`);
    log.warn("transactions begun with another version go on with this one's inputs", { name, begun, here, gid });
  }

  const finding = makeWorker({
    name: "recovery of transactions",
    everyMs: options.recoverEveryMs,
    ports,
    log,
    work: async () => {
      const names = [...node.initiated.keys()];
      if (names.length === 0) return false;
      const { owner } = node;
      const limit = options.recoverBatch - driven.size;
      if (limit <= 0) return false;
      const records = await node.coordinator().claim({ owner, names, limit, leaseMs: options.leaseMs });
      for (const record of records) tellVersions(record);
      const { drivable = [], strategyless = [] } = Object.groupBy(records, ({ strategy }) =>
        node.strategy(strategy) ? "drivable" : "strategyless",
      );
      for (const record of drivable) keepCount(record.gid, takeOn(node, running, record));
      await leave(strategyless);
      return records.length === limit;
    },
  });
  const renewing = makeWorker({
    name: "leases of transactions",
    everyMs: options.leaseMs / 3,
    ports,
    log,
    work: async () => {
      if (running.size > 0) await node.coordinator().renew([...running.keys()], node.owner, options.leaseMs);
      return false;
    },
  });
  return {
    start: () => {
      finding.start();
      renewing.start();
    },
    wake: finding.wake,
    stop: async () => {
      await Promise.all([finding.stop(), renewing.stop()]);
    },
  };
}

/** Lets go of what is still driven here, so that others need not wait until its leases are over. */
export async function handOver(node: TransactionNode, running: ReadonlyMap<string, Running>): Promise<void> {
  const left = Array.from(running.values(), ({ driver }) => driver).filter(({ recorded }) => recorded);
  await Promise.allSettled(left.map(({ gid }) => node.coordinator().note(gid, { nextInMs: 0 })));
  await node.due(new Set(left.map(({ transaction }) => transaction.name)));
}

/** Drives a transaction further from where its record says it is. */
export function takeOn(
  node: TransactionNode,
  running: Map<string, Running>,
  record: TransactionRecord,
): Running | undefined {
  const transaction = node.initiated.get(record.name);
  if (!transaction) return undefined;
  const here = running.get(record.gid);
  if (here) {
    if (record.status === "aborting") here.driver.overrule(record.abort ?? interrupted);
    return here;
  }
  return start(node, running, subjectOfRecord(record, transaction), (driver) =>
    strategyOf(node, record.strategy).resume(driver, record),
  );
}
