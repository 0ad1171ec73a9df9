import type { Timer, Timers } from "../core/ports.ts";
import type { ServiceView } from "../spi/directory.ts";
import type { Instance } from "../spi/instance.ts";
import { carryOver } from "../spi/instance-table.ts";
import type { Snapshot } from "../spi/registry.ts";

/** How far what is known can be trusted. */
export type Trust =
  /** Nothing is known yet. */
  | "unknown"
  /** Left over from an earlier process; any list of the registry is better that is not empty. */
  | "remembered"
  /** What the registry says. */
  | "current"
  /** The registry suddenly knows of no instance, which is not believed. */
  | "doubted";

export interface ViewOptions {
  /** How long a sudden empty list is not believed, in milliseconds; Infinity: until the instances cannot be reached. */
  readonly believeEmptyAfterMs: number;
}

const nobody: Snapshot = Object.freeze([]);

/** What is known of one service, and how it takes news. */
export class KnownService implements ServiceView {
  readonly service: string;
  instances: Snapshot = nobody;
  trust: Trust = "unknown";
  readonly #options: ViewOptions;
  readonly #timers: Timers;
  readonly #listeners = new Set<() => void>();
  /** Those that were there before: ways to them were closed. */
  readonly #gone = new WeakSet<Instance>();
  #belief: Timer | undefined = undefined;

  constructor(service: string, options: ViewOptions, timers: Timers) {
    this.service = service;
    this.#options = options;
    this.#timers = timers;
  }

  onChange(given: () => void): () => void {
    const listener = () => given(); // the same function may listen twice
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes what an earlier process knew, unless the registry has named somebody meanwhile. */
  remember(snapshot: Snapshot): void {
    if (this.instances.length > 0 || snapshot.length === 0) return;
    const heard = this.trust !== "unknown";
    this.#become("remembered", snapshot);
    if (heard) this.hear(nobody);
  }

  /** Takes what the registry says. A list that is suddenly empty is kept in doubt. */
  hear(snapshot: Snapshot): void {
    this.#belief?.cancel();
    this.#belief = undefined;
    const sudden = snapshot.length === 0 && this.instances.length > 0;
    if (!sudden || this.#options.believeEmptyAfterMs <= 0) return this.#become("current", snapshot);
    this.trust = "doubted";
    if (this.#options.believeEmptyAfterMs === Number.POSITIVE_INFINITY) return;
    this.#belief = this.#timers.after(this.#options.believeEmptyAfterMs, () => this.#become("current", nobody));
  }

  unreachable(instance: Instance): void {
    if (this.trust === "current" || !this.instances.includes(instance)) return;
    this.#become(
      this.trust,
      this.instances.filter((other) => other !== instance),
    );
  }

  /** Forgets its timer; the view stays as it is. */
  close(): void {
    this.#belief?.cancel();
  }

  /** A registry may name the very object again that was gone, which whoever kept something by it takes for the old one. */
  #renewed(snapshot: Snapshot): Snapshot {
    return snapshot.some((one) => this.#gone.has(one)) ? snapshot.map((one) => this.#fresh(one)) : snapshot;
  }

  #fresh(one: Instance): Instance {
    return this.#gone.has(one) ? { ...one } : one;
  }

  #become(trust: Trust, snapshot: Snapshot): void {
    this.trust = trust;
    const next = carryOver(this.instances, this.#renewed(snapshot));
    if (next === this.instances) return;
    const there = new Set(next);
    for (const one of this.instances) if (!there.has(one)) this.#gone.add(one);
    this.instances = next;
    for (const listener of [...this.#listeners]) listener();
  }
}
