import type { Timers } from "../core/ports.ts";
import type { StatusError } from "./status.ts";

/** A call under way, linked into the list of its connection or listener; in one list at a time. */
export interface InFlightCall {
  previous: InFlightCall | undefined;
  next: InFlightCall | undefined;
  /** Ends the call now, for the reason given. */
  cut(reason: StatusError): void;
}

/**
 * The calls of a connection or listener that are under way, for protocols to close gracefully. An intrusive list: a set
 * that every call churns makes garbage collection slow.
 */
export class InFlight {
  #first: InFlightCall | undefined;
  #size = 0;
  #idle: (() => void)[] = [];

  get size(): number {
    return this.#size;
  }

  add(call: InFlightCall): void {
    call.next = this.#first;
    if (this.#first) this.#first.previous = call;
    this.#first = call;
    this.#size++;
  }

  /** Call once per call that was added. */
  remove(call: InFlightCall): void {
    const { previous, next } = call;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    call.previous = call.next = undefined;
    this.#size--;
    if (this.#size === 0 && this.#idle.length > 0) this.#tellIdle();
  }

  /** Resolves when no call is under way. */
  idle(): Promise<void> {
    return this.#size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Waits until no call is under way, and ends those that still are after `graceMs`. */
  async drain(graceMs: number, timers: Timers, reason: StatusError): Promise<void> {
    const timer = timers.after(graceMs, () => this.cut(reason));
    await this.idle();
    timer.cancel();
  }

  /** Ends all calls that are under way. */
  cut(reason: StatusError): void {
    const calls: InFlightCall[] = [];
    for (let call = this.#first; call; call = call.next) calls.push(call);
    for (const call of calls) call.cut(reason);
  }

  #tellIdle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}
