import type { Call, Invoker, Reply } from "../call/call.ts";
import { StatusError } from "../call/status.ts";
import type { Ports, Timer } from "../core/ports.ts";
import type { Group } from "./cluster.ts";
import type { Instance } from "./instance.ts";
import { withoutNeverSent } from "./sent.ts";

export interface RaceOptions {
  /** Attempts on different instances at most. */
  readonly attempts: number;
  /** How long the latest attempt runs alone before the next begins beside it, in milliseconds. */
  readonly delayMs: number;
}

type RacePorts = Pick<Ports, "clock" | "timers">;

/**
 * Attempts the call on several instances; the first reply counts and the others are cancelled. An attempt that fails and
 * may be repeated makes room for the next at once; a refusal is an answer. A method that is not idempotent, or that
 * streams its requests, gets one attempt.
 */
export function racingInvoker(group: Group, options: RaceOptions, ports: RacePorts): Invoker {
  return async (call) => {
    const found = group.candidates(call);
    const candidates = found instanceof Promise ? await found : found;
    const { kind, facts } = call.method;
    const single = !facts.idempotent || kind === "client-stream" || kind === "bidi-stream";
    const attempts = single ? 1 : Math.min(options.attempts, candidates.length);
    if (attempts <= 1) return group.attempt(call, candidates);
    return new Race(call, candidates, group, { ...options, attempts }, ports).run();
  };
}

class Race {
  readonly #call: Call;
  readonly #group: Group;
  readonly #options: RaceOptions;
  readonly #ports: RacePorts;
  readonly #running = new Set<Call>();
  #left: readonly Instance[];
  #begun = 0;
  #sent = false;
  #timer: Timer | undefined;

  constructor(call: Call, candidates: readonly Instance[], group: Group, options: RaceOptions, ports: RacePorts) {
    this.#call = call;
    this.#left = candidates;
    this.#group = group;
    this.#options = options;
    this.#ports = ports;
  }

  run(): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      const finish = (settle: () => void) => {
        this.#stop();
        settle();
      };
      const failed = (error: unknown) => {
        const repeatable = error instanceof StatusError && (error.neverSent || error.retryable);
        this.#sent ||= !(error instanceof StatusError && error.neverSent);
        if (repeatable && this.#more()) return this.#begin(won, failed);
        if (!repeatable || this.#running.size === 0) finish(() => reject(this.#sent ? withoutNeverSent(error) : error));
      };
      const won = (reply: Reply) => finish(() => resolve(reply));
      this.#begin(won, failed);
    });
  }

  /** Cancels what still runs; how that ends is of no interest. */
  #stop(): void {
    this.#timer?.cancel();
    const losers = [...this.#running];
    this.#running.clear();
    for (const { context } of losers) context.cancel(new StatusError("CANCELLED", "another instance was faster"));
  }

  #more(): boolean {
    const { cancelled, deadline } = this.#call.context;
    const inTime = !cancelled && this.#ports.clock.now() < deadline;
    return inTime && this.#begun < this.#options.attempts && this.#left.length > 0;
  }

  #begin(won: (reply: Reply) => void, failed: (error: unknown) => void): void {
    this.#timer?.cancel();
    this.#begun++;
    const one: Call = { ...this.#call, context: this.#call.context.with({}) };
    this.#running.add(one);
    const note = ({ id }: Instance) => {
      this.#left = Object.freeze(this.#left.filter((instance) => instance.id !== id));
    };
    this.#group.attempt(one, this.#left, note).then(
      (reply) => {
        if (this.#running.delete(one)) won(reply);
      },
      (error: unknown) => {
        if (this.#running.delete(one)) failed(error);
      },
    );
    if (this.#more()) this.#schedule(won, failed);
  }

  #schedule(won: (reply: Reply) => void, failed: (error: unknown) => void): void {
    if (this.#options.delayMs === 0) return this.#begin(won, failed);
    this.#timer = this.#ports.timers.after(this.#options.delayMs, () => {
      if (this.#running.size > 0 && this.#more()) this.#begin(won, failed);
    });
  }
}
