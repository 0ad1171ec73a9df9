import { backgroundOf } from "../../call/call-context.ts";
import type { OperationsType } from "../../contract/transaction/operation.ts";
import type { Ports } from "../../core/ports.ts";
import type { Database } from "../../spi/store.ts";
import type { Freeing } from "../../spi/transactions.ts";
import { makeWorker } from "../../spi/worker.ts";
import { preparedIn } from "./orphans.ts";
import { type Participant, participant } from "./participant.ts";
import { type Sweeper, sweepThrough } from "./sweep.ts";

export interface FreeingSetup {
  readonly sweeper: Sweeper;
  readonly ports: Ports;
  /** How old a branch must be before it is asked about although the coordinator knows nothing of it, in milliseconds. */
  readonly orphanAfterMs: number;
}

/** Ends what waits prepared in a database and is decided, before there is a participant that others could ask to do it. */
export async function freeing(
  operations: OperationsType,
  database: Database,
  { sweeper, ports, orphanAfterMs }: FreeingSetup,
): Promise<Freeing> {
  const { at, log } = sweeper;
  const one = participant({ operations, database, perform: {} }, { at, log, timers: ports.timers });
  const asking = askingItself(sweeper, one);
  const stopped = new AbortController();
  const context = backgroundOf(ports).with({ signal: stopped.signal });
  const unknownMs = Math.min(orphanAfterMs, begunWithinMs);
  const tried = Promise.withResolvers<void>();
  const worker = makeWorker({
    name: `freeing what waits prepared for ${operations.name}`,
    everyMs,
    ports,
    log,
    work: async () => {
      try {
        const found = await decidable(one, sweeper, unknownMs);
        await sweepThrough(found, one, asking, { reportOnly: false, olderThanMs: everyMs }, context);
      } catch (error) {
        if (!context.cancelled) throw error;
      } finally {
        tried.resolve();
      }
      return false;
    },
  });
  worker.start();
  const enough = ports.timers.sleep(everyMs, stopped.signal).catch(() => undefined);
  await Promise.race([tried.promise, enough]);
  return {
    stop() {
      stopped.abort();
      void worker.stop(); // a database that does not answer holds nobody up
    },
  };
}

/** What the coordinator knows of; of the rest what is so old that its begin is lost, or comes too late. */
async function decidable(one: Participant, { coordinator }: Sweeper, unknownMs: number) {
  const waiting = await preparedIn(one, everyMs);
  if (waiting.length === 0) return [];
  const old = new Set(await one.prepared.waiting(unknownMs));
  const known = await Promise.all(
    waiting.map(async ({ gid, name }) => old.has(name) || (await coordinator().get(gid)) !== undefined),
  );
  return waiting.filter((_, i) => known[i]);
}

/** Nobody can call the participant yet, so it is asked here. */
function askingItself(sweeper: Sweeper, one: Participant): Sweeper {
  const { name } = one.performer.operations;
  return {
    ...sweeper,
    ask: (participant, request, context) =>
      participant === name ? one.drive(request, context) : sweeper.ask(participant, request, context),
  };
}

/** How often, in milliseconds; what waits for less is about to be ended by whoever drives it. */
const everyMs = 1_000;

/** A begin takes no longer, in milliseconds; one that does is refused, and its transaction aborted. */
const begunWithinMs = 10_000;
