import { z } from "zod";
import { every, live, optional } from "../../core/needs.ts";
import { definePlugin } from "../../core/plugin.ts";
import { bus } from "../../spi/bus.ts";
import { coordinator } from "../../spi/coordinator.ts";
import { faults } from "../../spi/faults.ts";
import { clients } from "../../spi/runtime.ts";
import { tracer } from "../../spi/tracer.ts";
import { transaction } from "../../spi/transaction.ts";
import { transactionPolicies } from "../../spi/transaction-policies.ts";
import { transactions } from "../../spi/transactions.ts";
import { transactionsOf } from "../transaction/transactions.ts";

const ms = (value: number, what: string) => z.number().positive().default(value).describe(`${what}, in milliseconds.`);
const count = (value: number, what: string) => z.int().positive().default(value).describe(`${what}.`);

const options = z.strictObject({
  leaseMs: ms(15_000, "How long a process is believed to work on what it took on without saying so again"),
  recoverEveryMs: ms(1_000, "How often a process looks for transactions that nobody works on"),
  recoverBatch: count(200, "How many of those it drives at the same time"),
  driveTimeoutMs: ms(3_000, "How long one request to a participant may take"),
  attempts: count(5, "Attempts in one round, before a transaction is left for later"),
  backoffMs: ms(50, "The first wait after a failure; it doubles, with jitter"),
  maxBackoffMs: ms(30_000, "The longest such wait"),
  redeliverMs: ms(
    5_000,
    "How long a branch that was sent over the bus may stay without acknowledgement; it doubles, with jitter",
  ),
  maxRedeliverMs: ms(60_000, "The longest such wait"),
  redeliverAtOnce: count(50, "How many branches are sent again to one participant in `redeliverMs`"),
  stuckAfterRounds: count(10, "After so many rounds a transaction counts as stuck; it is still tried, slowly"),
  stuckAfterMs: ms(300_000, "After so long a decided transaction counts as stuck"),
  graceMs: ms(5_000, "How long a stop waits for what is under way"),
  sweepEveryMs: ms(30_000, "How often branches nobody has asked about are looked for"),
  orphanAfterMs: ms(60_000, "How old such a branch must be"),
  fenceRetentionDays: z
    .number()
    .min(0)
    .default(14)
    .describe(
      "Days after which participants forget what became of a branch and refuse repetitions no more; longer than any message is on its way, and a day less than the coordinator keeps what has ended. 0: never.",
    ),
  pruneEveryMs: ms(
    21_600_000,
    "How often fences are gone through for what is older; at first ten minutes after the start",
  ),
  highlyAvailable: z
    .boolean()
    .default(false)
    .describe(
      "Whether decisions have to survive the loss of the coordinator's server; it must then have a synchronous standby.",
    ),
  sampleEveryMs: ms(10_000, "How often the coordinator and the databases are asked for numbers, for metrics"),
  admin: z
    .boolean()
    .default(true)
    .describe("Whether a process that begins transactions serves what people and `mortise tx` do about them."),
  relayEveryMs: ms(500, "How often outboxes are looked through for what another process left"),
});

/** Runs transactions, hosts participants, and takes over what other processes left. */
export const transactionsRuntime = definePlugin({
  spi: transactions,
  name: "runtime",
  description: "Runs transactions, performs operations, and recovers what was left",
  options,
  needs: {
    clients: live(clients),
    coordinator: live(coordinator),
    policies: live(transactionPolicies),
    strategies: live(every(transaction)),
    tracer: live(optional(tracer)),
    faults: live(optional(faults)),
    bus: live(optional(bus)),
  },
  setup: ({ deps, options, ports, log }) => {
    const made = transactionsOf({
      options,
      ports,
      log,
      clients: () => deps.clients.current,
      coordinator: () => deps.coordinator.current,
      policies: () => deps.policies.current,
      strategies: () => deps.strategies.current,
      factsOf: (strategy) => deps.strategies.current.get(strategy)?.facts,
      tracer: () => deps.tracer.current,
      at: (point) => deps.faults.current?.at(point),
      bus: () => deps.bus.current,
      highlyAvailable: options.highlyAvailable,
    });
    const api = { ...made, offers: () => (options.admin ? made.offers() : []) };
    return {
      api,
      follow(next) {
        const kept = next.strategies.current;
        const lost = [...deps.strategies.current.keys()].some((name) => !kept.has(name));
        return lost ? { flipped: () => made.lookForStranded() } : undefined;
      },
      stop: () => made.stop(),
    };
  },
});
