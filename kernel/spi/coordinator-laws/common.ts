import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Running } from "../../core/plugin.ts";
import type { AbortReason, Coordinator, NewTransaction, TransactionRecord, TransactionStatus } from "../coordinator.ts";

/** Transactions as several processes see them. */
export interface CoordinatorSubject {
  /** Starts the plugin once more, as another process would. */
  open(): Promise<Running<Coordinator>>;
}

/** A lease no test outlives, in milliseconds. */
export const long = 60_000;
/** Why a step says no. */
export const noStock: AbortReason = {
  reason: "OUT_OF_STOCK",
  message: "no tea",
  step: "stock",
  details: { sku: "tea" },
};

/** A transaction of two branches, as large or small as wanted. */
export function sampleTransaction(more: Partial<NewTransaction> = {}): NewTransaction {
  const branch = { after: [], pivot: false, afterCommit: false, droppable: false, external: false };
  return {
    gid: randomUUID(),
    name: "placeOrder",
    version: 1,
    strategy: "tcc",
    input: new Uint8Array([0, 1, 2, 255]),
    branches: [
      { ...branch, id: "b1", participant: "stock", steps: [{ step: "stock", operation: "stock.deduct", version: 2 }] },
      { ...branch, id: "b2", participant: "pay", steps: [], after: ["b1"], pivot: true },
    ],
    status: "active",
    outputs: {},
    deadlineMs: undefined,
    trace: "",
    ...more,
  };
}

type Check = (one: Coordinator, two: Coordinator) => Promise<void>;

/** A law about two processes that share their transactions. */
export const law = (law: string, check: Check) => ({
  law,
  async check({ open }: CoordinatorSubject) {
    const [one, two] = [await open(), await open()];
    try {
      await check(one.api, two.api);
    } finally {
      await Promise.all([one.stop?.(), two.stop?.()]);
    }
  },
});

/** Begins one, under a long lease of `me` unless told otherwise; gives its gid. */
export async function begun(one: Coordinator, more: Partial<NewTransaction> = {}, leaseMs = long): Promise<string> {
  const sample = sampleTransaction(more);
  assert.equal(await one.begin(sample, "me", leaseMs), undefined);
  return sample.gid;
}

/** The record of one that is there. */
export async function recordOf(one: Coordinator, gid: string): Promise<TransactionRecord> {
  const record = await one.get(gid);
  assert.ok(record, `${gid} is there`);
  return record;
}

export const statusOf = async (one: Coordinator, gid: string) => (await one.get(gid))?.status;

/** Brings one to a status along the way it must take. */
export async function broughtTo(one: Coordinator, status: TransactionStatus): Promise<string> {
  const gid = await begun(one);
  if (status !== "active") await one.decide(gid, status.startsWith("commit") ? "committing" : "aborting", {});
  if (status === "committed" || status === "aborted") await one.finish(gid);
  assert.equal(await statusOf(one, gid), status);
  return gid;
}

/** Claims what the sample transactions leave due. */
export const claimAs = (one: Coordinator, owner: string, limit = 10, leaseMs = long) =>
  one.claim({ owner, names: ["placeOrder"], limit, leaseMs });

export const gidsOf = (records: readonly TransactionRecord[]) => records.map(({ gid }) => gid).sort();

export const statuses: readonly TransactionStatus[] = ["active", "committing", "committed", "aborting", "aborted"];
