import { StatusError } from "../../call/status.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import { acknowledgementTopic, branchTopic } from "../../contract/transaction/topics.ts";
import type { TopicType } from "../../contract/types.ts";
import type { Ids, Timers } from "../../core/ports.ts";
import type { Performer } from "../../spi/perform.ts";
import type { Publish } from "../../spi/runtime.ts";
import type { EventContext, EventHandler, Listening, Offer, ServerContext } from "../../spi/service.ts";
import type { Tracer } from "../../spi/tracer.ts";
import type { Performing } from "../../spi/transactions.ts";
import { inBranchSpan } from "./branch-span.ts";
import { failedReply, isUncertain } from "./failing.ts";
import { createFence } from "./fence.ts";
import { acknowledgementId, failureId, isSentAgain } from "./message-ids.ts";
import type { OutboxOrigin } from "./outbox.ts";
import { type Participant, participant } from "./participant.ts";
import { type Sweeper, type SweepHow, sweep } from "./sweep.ts";

/** The participants of this process by name. While one replaces another there may be two; the younger serves. */
export interface Hosts {
  get(name: string): Participant | undefined;
  all(): readonly Participant[];
  perform(performer: Performer): Promise<Performing>;
}

export interface HostsSetup {
  readonly publisher: <T>(topic: TopicType<T>) => Publish<T>;
  readonly tracer?: () => Tracer | undefined;
  readonly sweeper: Sweeper;
  readonly at: (point: string) => Promise<void> | void;
  readonly timers: Timers;
  readonly ids: Ids;
  /** Sees to it that the coordinator has a record of what waits in an outbox here. */
  readonly adopts?: (gid: string, origin: OutboxOrigin) => Promise<unknown>;
}

export function hosts({ publisher, tracer, sweeper, at, timers, ids, adopts }: HostsSetup): Hosts {
  const hosted: Participant[] = [];

  /** Does a branch that came over the bus, and tells whoever sent it. What is not certain is delivered again. */
  const receiving = (one: Participant) => async (request: DriveRequest, call: EventContext) => {
    await at("O5");
    const { gid, branch, transaction, strategy } = request;
    const tell = (driven: DriveReply, id: string) =>
      publisher(acknowledgementTopic(transaction))({ gid, branch, driven, strategy }, call, { id });
    const known = call.attempt > 1 || isSentAgain(call.id) ? await one.applied(request) : undefined;
    const { operations } = one.performer;
    const about = { phase: "apply", gid, strategy, transaction, branch, participant: operations.name };
    const driving = inBranchSpan(tracer?.(), { ...about, steps: request.steps }, call.trace, async (trace) => {
      return known ?? one.drive({ ...request, action: "apply" }, trace ? call.with({ trace }) : call, ids);
    });
    const reply = await driving.catch(async (error: unknown) => {
      // Only told: it is delivered again whether somebody hears of it or not.
      if (!isUncertain(error)) await tell(failedReply(error), failureId(call)).catch(() => undefined);
      throw error;
    });
    if (reply.outcome === "ongoing") throw new StatusError("UNAVAILABLE", reply.note);
    await at("O6");
    await tell(reply, acknowledgementId(call));
  };

  return {
    get: (name) => hosted.findLast(({ performer }) => performer.operations.name === name),
    all: () => hosted,

    async perform(performer) {
      await createFence(performer.database.sql);
      const asks = () => sweeper.coordinator().identity;
      const one = counted(participant(performer, { at, asks, ...(adopts && { adopts }), log: sweeper.log, timers }));
      hosted.push(one.participant);
      const topic = branchTopic(performer.operations.name);
      const listening: Listening = { topic, handler: receiving(one.participant) as EventHandler<never> };
      return {
        offer: offerOf(one.participant, sweeper, ids),
        listens: [listening],
        async stop() {
          hosted.splice(hosted.indexOf(one.participant), 1);
          await one.quiet();
        },
      };
    },
  };
}

/** Counts what is under way, so that a stop can wait for it. */
function counted(inner: Participant): { readonly participant: Participant; quiet(): Promise<unknown> } {
  const open = new Set<Promise<unknown>>();
  const track = <T>(work: Promise<T>): Promise<T> => {
    const settled = work.catch(() => undefined).finally(() => open.delete(settled));
    open.add(settled);
    return work;
  };
  const participant: Participant = {
    ...inner,
    drive: (request, context, ids) => track(inner.drive(request, context, ids)),
    applyAlong: (request, context, along) => track(inner.applyAlong(request, context, along)),
  };
  return { participant, quiet: () => Promise.all(open) };
}

function offerOf(one: Participant, sweeper: Sweeper, ids: Ids): Offer {
  const { service } = one.performer.operations;
  return {
    service,
    handlers: {
      drive: (request: DriveRequest, call: ServerContext): Promise<DriveReply> => one.drive(request, call, ids),
      inspect: ({ gid }: { gid: string }) => one.inspect(gid),
      outbox: (query: Parameters<Participant["outbox"]>[0]) => one.outbox(query),
      wake: ({ gid }: { gid: string }) => one.wake(gid),
      pause: ({ gid, paused }: { gid: string; paused: boolean }) => one.pause(gid, paused),
      release: ({ gid, branch }: { gid: string; branch: string }) => one.release(gid, branch),
      fences: ({ gids }: { gids: readonly string[] }) => one.fences(gids),
      manifest: () => one.manifest(),
      sweep: (how: SweepHow, call: ServerContext) => sweep(one, sweeper, how, call),
    } as unknown as Offer["handlers"],
  };
}
