import { defineSpi } from "../core/spi.ts";

/** A message as it is published. */
export interface BusMessage {
  /** Publishing the same id to a topic again within the bus's window has no effect. */
  readonly id: string;
  /** Messages with the same key are delivered in the order they were published; none: no order. */
  readonly key?: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** A message as it is delivered. */
export interface Delivery extends BusMessage {
  readonly topic: string;
  /** 1 for the first delivery. */
  readonly attempt: number;
}

export interface SubscribeOptions {
  /** Deliveries of one message before it is put among the dead letters. Default 8. */
  readonly maxAttempts?: number;
  /** Wait before the second delivery; doubles up to `maxBackoffMs`. Default 100. */
  readonly backoffMs?: number;
  /** Default 10000. */
  readonly maxBackoffMs?: number;
  /** Messages with different keys handled at the same time. Default 16. */
  readonly concurrency?: number;
}

export interface Subscription {
  /** Takes no new messages and waits for the handlers under way; what was not handled stays for the group. */
  close(): Promise<void>;
}

/** A message that was given up on. */
export interface DeadLetter extends Delivery {
  readonly group: string;
  readonly error: string;
}

/** Carries events: at least once to every group, to one member of the group. */
export interface Bus {
  /** Whether messages outlive this process. */
  readonly durable: boolean;
  /** Resolves when the bus has taken responsibility for the message. */
  publish(topic: string, message: BusMessage): Promise<void>;
  /**
   * Resolves when messages published from now on will reach the group. A handler that resolves acknowledges;
   * one that rejects gets the message again after a back-off, before any later message with the same key.
   */
  subscribe(
    topic: string,
    group: string,
    handler: (delivery: Delivery) => Promise<void>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /** Messages the group gave up on, oldest first. */
  deadLetters(topic: string, group: string): Promise<readonly DeadLetter[]>;
}

export const bus = defineSpi<Bus>("bus", { kind: "named", fallback: "memory" });
