import assert from "node:assert/strict";
import { StatusError } from "../../call/status.ts";
import { message, operation, operations, string, transaction } from "../../contract/index.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { Coordinator, CoordinatorHealth, TransactionCount } from "../../spi/coordinator.ts";
import { keptLog } from "../../testing/logs.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import { type TransactionTable, transactionPolicyOf } from "../transaction-policy.ts";
import { type AdmissionSetup, admission } from "./admission.ts";
import type { ManifestFacts } from "./rule.ts";

/** What all of it is about. */
export const Text = message("test.v1.Text", { text: string(1) });
const keys = (input: { readonly text: string }) => [`sku:${input.text}`];

/** Performed where it is begun. */
export const Orders = operations("test.v1.Orders", { create: operation(Text, Text, { undo: true, keys }) });
/** Reservations of it last for a minute. */
export const Stock = operations("test.v1.Stock", {
  take: operation(Text, Text, { undo: true, keys, version: 2, expiresMs: 60_000 }),
});

/** An order and its goods, each with a participant of its own. */
export const buy = transaction("buy", {
  input: Text,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("order", Orders.operations.create, (input) => input)
      .step("stock", Stock.operations.take, (input) => input),
});

/** What a participant tells that fits, but for what is given. */
export const manifest = (participant: string, given: Partial<ManifestFacts> = {}): ManifestFacts => ({
  operations: participant === Orders.name ? [{ name: "create", version: 1 }] : [{ name: "take", version: 2 }],
  database: `1/${participant}`,
  preparedTransactions: 100,
  defaultIsolation: "read committed",
  fenceVersion: 1,
  ...given,
});

/** What a world has that is not as it should be. */
export interface Given extends Partial<AdmissionSetup> {
  readonly health?: CoordinatorHealth;
  readonly counts?: readonly TransactionCount[];
  readonly table?: TransactionTable;
  readonly identity?: string;
  readonly keepsEndedMs?: number;
}

/** Judges what begins in a process that performs the orders; participants tell of themselves what is given. */
export function world(all: Given = {}) {
  const { health, counts = [], table = {}, identity = "here", keepsEndedMs, manifestOf, ...given } = all;
  const ports = virtualPorts();
  const log = keptLog();
  const asked: string[] = [];
  let policies = { of: (name: string) => transactionPolicyOf(table, name) };
  const coordinator = {
    identity,
    keepsEndedMs,
    health: async () => health ?? { durable: true, replicated: true },
    counts: async () => counts,
  } as Partial<Coordinator> as Coordinator;
  const strategies = new Map(Object.entries(builtInStrategies).map(([name, facts]) => [name, { facts }]));
  const made = admission({
    clock: ports.clock,
    timers: ports.timers,
    log,
    strategies: () => strategies,
    policies: () => policies,
    coordinator: () => coordinator,
    performs: (name) => name === Orders.name,
    bus: () => ({ name: "nats", durable: true, keptUntilDone: true }),
    highlyAvailable: false,
    ...given,
    manifestOf: async (name) => {
      asked.push(name);
      return manifestOf ? manifestOf(name) : manifest(name);
    },
  });
  const swap = () => {
    policies = { ...policies };
  };
  return { ...made, asked, ports, log, swap };
}

/** What a begin is refused with, by code. */
export async function refusal(given: Given, strategy: string, input?: unknown): Promise<string[]> {
  const error = await world(given)
    .admit(buy, strategy, input)
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  if (error === undefined) return [];
  assert.ok(error instanceof StatusError);
  assert.equal(error.code, "FAILED_PRECONDITION");
  assert.match(error.reason ?? "", /^DTX\d+$/);
  return error.message.split("\n").map((line) => /DTX\d+/.exec(line)?.[0] ?? line);
}

/** All participants tell the same. */
export const every = (given: Partial<ManifestFacts>) => ({ manifestOf: async (name: string) => manifest(name, given) });
