import type { BusMessage, DeadLetter, Delivery, Subscription, Timer, Timers } from "@mortise/kernel";
import { type Redelivery, waitAfterMs } from "@mortise/kernel/spi/redelivery";
import { type Fifo, fifo } from "./fifo.ts";

export type Handler = (delivery: Delivery) => Promise<void>;

/** The messages one group has still to handle, and those who handle them. */
export interface Group {
  /** Messages not handled yet. */
  readonly pending: number;
  readonly dead: readonly DeadLetter[];
  push(message: BusMessage): void;
  join(handler: Handler, redelivery: Redelivery): Subscription;
  /** Hands out nothing more and waits for the handlers under way. */
  end(): Promise<void>;
}

interface Entry {
  readonly message: BusMessage;
  attempts: number;
}

/** Messages that are handled one after the other: those of one key, or a single one without. */
interface Lane {
  readonly key: string | undefined;
  readonly entries: Fifo<Entry>;
}

interface Member {
  readonly handler: Handler;
  readonly redelivery: Redelivery;
  active: number;
  open: boolean;
  /** Called when `active` falls to 0. */
  idle: (() => void) | undefined;
}

/** Dead letters to keep; the oldest is dropped for one more. */
const maxDead = 10_000;

export function group(topic: string, name: string, timers: Timers): Group {
  const lanes = new Map<string, Lane>();
  const ready = fifo<Lane>();
  const members: Member[] = [];
  const backingOff = new Set<Timer>();
  const dead: DeadLetter[] = [];
  let pending = 0;
  let ended = false;
  let asked = false;

  function push(message: BusMessage): void {
    pending++;
    const lane = message.key === undefined ? undefined : lanes.get(message.key);
    if (lane) return lane.entries.push({ message, attempts: 0 });
    const fresh: Lane = { key: message.key, entries: fifo() };
    fresh.entries.push({ message, attempts: 0 });
    if (fresh.key !== undefined) lanes.set(fresh.key, fresh);
    ready.push(fresh);
    ask();
  }

  /** Hands out soon, never within the call of whoever publishes. */
  function ask(): void {
    if (asked) return;
    asked = true;
    queueMicrotask(() => {
      asked = false;
      for (let member = freest(); member && ready.length > 0; member = freest()) {
        const lane = ready.shift();
        if (lane) void serve(member, lane);
      }
    });
  }

  function freest(): Member | undefined {
    if (ended) return undefined;
    const free = members.filter(({ open, active, redelivery }) => open && active < redelivery.concurrency);
    return free.reduce<Member | undefined>((a, b) => (a && a.active <= b.active ? a : b), undefined);
  }

  async function serve(member: Member, lane: Lane): Promise<void> {
    const entry = lane.entries.peek();
    if (!entry) return;
    member.active++;
    entry.attempts++;
    const failure = await attempt(member.handler, topic, entry);
    member.active--;
    if (failure === undefined) next(lane);
    else if (entry.attempts < member.redelivery.maxAttempts)
      again(lane, waitAfterMs(entry.attempts, member.redelivery));
    else {
      bury(entry, failure.error);
      next(lane);
    }
    if (member.active === 0) member.idle?.();
    ask();
  }

  function next(lane: Lane): void {
    pending--;
    lane.entries.shift();
    if (lane.entries.length > 0) ready.push(lane);
    else if (lane.key !== undefined) lanes.delete(lane.key);
  }

  function again(lane: Lane, waitMs: number): void {
    if (ended) return;
    const timer = timers.after(waitMs, () => {
      backingOff.delete(timer);
      ready.push(lane);
      ask();
    });
    backingOff.add(timer);
  }

  function bury(entry: Entry, error: string): void {
    dead.push(Object.freeze({ ...deliveryOf(topic, entry), group: name, error }));
    if (dead.length > maxDead) dead.shift();
  }

  function join(handler: Handler, redelivery: Redelivery): Subscription {
    const member: Member = { handler, redelivery, active: 0, open: true, idle: undefined };
    members.push(member);
    ask();
    return { close: () => leave(member) };
  }

  async function leave(member: Member): Promise<void> {
    member.open = false;
    if (members.includes(member)) members.splice(members.indexOf(member), 1);
    if (member.active === 0) return;
    await new Promise<void>((resolve) => {
      const before = member.idle;
      member.idle = () => {
        before?.();
        resolve();
      };
    });
  }

  return {
    get pending() {
      return pending;
    },
    dead,
    push,
    join,
    end: async () => {
      ended = true;
      for (const timer of backingOff) timer.cancel();
      await Promise.all([...members].map(leave));
    },
  };
}

/** What the handler failed with, as text; a handler may also throw at once. */
async function attempt(handler: Handler, topic: string, entry: Entry): Promise<{ readonly error: string } | undefined> {
  try {
    await handler(deliveryOf(topic, entry));
    return undefined;
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** Every delivery has a body of its own: handlers may write into it. */
function deliveryOf(topic: string, { message, attempts }: Entry): Delivery {
  return { ...message, body: message.body.slice(), topic, attempt: attempts };
}
