import type { Log, Ports } from "@mortise/kernel";

export interface InsistOptions {
  /** Wait before asking again, in milliseconds. */
  readonly retryMs: number;
  /** How long the first answer is waited for, in milliseconds. */
  readonly waitMs: number;
}

/** Something that is asked for until it is given, or no longer wanted. */
export interface Insisted {
  /** Settles with the first answer, be it a refusal. */
  readonly answered: Promise<unknown>;
  /** Gives back what was given, also when it comes later. */
  end(): Promise<void>;
}

export interface Insist {
  /** @param problem what to log when it is refused */
  <T>(problem: string, ask: () => Promise<T>, giveBack: (given: T) => Promise<void>): Insisted;
  /** Resolves when all have their first answer, or when that takes too long. */
  all(wanted: readonly Insisted[]): Promise<void>;
}

/** Asks for things again and again, in the background. */
export function insisting({ retryMs, waitMs }: InsistOptions, { timers }: Pick<Ports, "timers">, log: Log): Insist {
  function insist<T>(problem: string, ask: () => Promise<T>, giveBack: (given: T) => Promise<void>): Insisted {
    const ending = new AbortController();
    const { signal } = ending;
    let given: { readonly value: T } | undefined;

    const back = async () => {
      const held = given;
      given = undefined;
      if (!held) return;
      await giveBack(held.value).catch((error: unknown) => log.debug("it was not given back", { problem, error }));
    };
    const attempt = async (): Promise<boolean> => {
      try {
        given = { value: await ask() };
        if (signal.aborted) await back(); // it came after it was no longer wanted
        return true;
      } catch (error) {
        log.debug(problem, { error });
        return false;
      }
    };
    const goOn = async () => {
      log.warn(`${problem}; trying again`);
      while (!signal.aborted) {
        await timers.sleep(retryMs, signal).catch(() => undefined);
        if (!signal.aborted && (await attempt())) return;
      }
    };
    const answered = attempt().then((well) => {
      if (!well && !signal.aborted) void goOn();
    });
    return {
      answered,
      async end() {
        ending.abort();
        await back();
      },
    };
  }

  async function all(wanted: readonly Insisted[]): Promise<void> {
    const waited = new AbortController();
    const patience = timers.sleep(waitMs, waited.signal).catch(() => undefined);
    await Promise.race([Promise.all(wanted.map(({ answered }) => answered)), patience]);
    waited.abort();
  }

  return Object.assign(insist, { all });
}
