import type { Delivery, Subscription, Timers } from "@mortise/kernel";
import { type Redelivery, waitAfterMs } from "@mortise/kernel/spi/redelivery";
import type { Msg, NatsConnection } from "nats";
import { toDelivery } from "./message.ts";
import { deliverySubject, lanesOf } from "./names.ts";
import type { NatsBusOptions } from "./options.ts";
import { queue } from "./streams.ts";
import { answers, told } from "./wire.ts";

export interface MemberOptions {
  readonly topic: string;
  readonly group: string;
  readonly partitions: number;
  readonly handler: (delivery: Delivery) => Promise<void>;
  readonly redelivery: Redelivery;
  /** Puts a message among the dead letters; false if that cannot be done now. */
  readonly bury: (delivery: Delivery, sequence: number, error: string) => Promise<boolean>;
}

/** Deliveries without any answer, as a multiple of maxAttempts, after which a message is taken to kill its handlers. */
const silentDeliveries = 2;

/** How long the server may take to confirm that it pushes nothing more. */
const drainMs = 2000;

/** Takes the messages that the server pushes to one member of a group. */
export function joinGroup(
  nats: NatsConnection,
  { prefix, ackWaitMs }: NatsBusOptions,
  timers: Timers,
  given: MemberOptions,
): Subscription {
  const { topic, group, partitions, redelivery } = given;
  /** By their names; of one that is delivered again meanwhile, the latest delivery. */
  const held = new Map<string, Msg>();
  const waiting: Msg[] = [];
  let active = 0;
  let closing = false;
  let idle: () => void = () => undefined;

  function take(message: Msg): void {
    if (closing) return answerSafely(() => answers.again(message, 0));
    const { name } = told(message.reply ?? "");
    const known = held.has(name);
    held.set(name, message);
    if (known) return; // a process that slept or was slow gets again what it still has
    waiting.push(message);
    pump();
  }

  function pump(): void {
    while (active < redelivery.concurrency && waiting.length > 0) {
      const message = waiting.shift();
      if (message) void serve(message);
    }
  }

  async function serve(message: Msg): Promise<void> {
    active++;
    const answer = await handle(message, given);
    const latest = letGo(message);
    answerSafely(() => answer(latest));
    active--;
    if (active === 0) idle();
    pump();
  }

  function letGo(message: Msg): Msg {
    const { name } = told(message.reply ?? "");
    const latest = held.get(name) ?? message;
    held.delete(name);
    return latest;
  }

  const subscriptions = lanesOf(partitions).map((lane) =>
    nats.subscribe(deliverySubject(prefix, topic, group, lane), {
      queue,
      callback: (error, message) => {
        if (!error) take(message);
      },
    }),
  );
  const heartbeat = timers.every(ackWaitMs / 3, () => {
    for (const message of held.values()) answerSafely(() => answers.busy(message));
  });

  async function leave(): Promise<void> {
    closing = true;
    await Promise.race([Promise.all(subscriptions.map((one) => one.drain())), timers.sleep(drainMs)]);
    for (const message of waiting.splice(0)) {
      const latest = letGo(message);
      answerSafely(() => answers.again(latest, 0));
    }
    if (active > 0) await new Promise<void>((resolve) => (idle = resolve));
    heartbeat.cancel();
    await Promise.race([nats.flush().catch(() => undefined), timers.sleep(drainMs)]);
  }

  let left: Promise<void> | undefined;
  return {
    close: () => {
      left ??= leave();
      return left;
    },
  };
}

/** The answer to give once the handler is through with a message. */
async function handle(message: Msg, given: MemberOptions): Promise<(message: Msg) => void> {
  const { topic, handler, redelivery, bury } = given;
  const { count, sequence } = told(message.reply ?? "");
  const delivery = toDelivery(topic, message, count, sequence);
  const silent = count > redelivery.maxAttempts * silentDeliveries;
  const failure = silent ? `delivered ${count - 1} times without an answer` : await attempt(handler, delivery);
  if (failure === undefined) return answers.done;
  if (count < redelivery.maxAttempts) return (one) => answers.again(one, waitAfterMs(count, redelivery));
  const buried = await bury(delivery, sequence, failure);
  return buried ? answers.giveUp : (one) => answers.again(one, redelivery.maxBackoffMs);
}

/** What the handler failed with, as text; it may also throw at once. */
async function attempt(handler: MemberOptions["handler"], delivery: Delivery): Promise<string | undefined> {
  try {
    await handler(delivery);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A message that cannot be answered because the connection is closed is delivered again. */
function answerSafely(answer: () => unknown): void {
  try {
    answer();
  } catch {
    // the server gives it to another member after ackWaitMs
  }
}
