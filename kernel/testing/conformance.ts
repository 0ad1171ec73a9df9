import assert from "node:assert/strict";
import { describe, it } from "node:test";

/** A law every plugin of an SPI must keep. */
export interface Law<S> {
  /** A sentence in the present tense: `picks the only instance`. */
  readonly law: string;
  check(subject: S): void | Promise<void>;
}

/** A law this plugin is known to break, and why. Fails the suite once it no longer does. */
export interface Deviation {
  readonly law: string;
  readonly reason: string;
}

export interface Made<S> {
  readonly subject: S;
  /** Puts everything back. */
  end?(): void | Promise<void>;
}

export interface Subject<S> {
  readonly name: string;
  /** Makes a fresh subject per law. */
  make(): Promise<Made<S>> | Made<S>;
  readonly deviations?: readonly Deviation[];
}

/** Makes the conformance suite of an SPI: a function that every plugin's test calls with itself. */
export function conformance<S>(spi: string, laws: readonly Law<S>[]): (subject: Subject<S>) => void {
  return (subject) => {
    const deviations = new Map((subject.deviations ?? []).map(({ law, reason }) => [law, reason]));
    describe(`${spi}/${subject.name} keeps the laws of ${spi}`, () => {
      for (const { law, check } of laws) {
        const reason = deviations.get(law);
        deviations.delete(law);
        it(reason ? `${law} (deviates: ${reason})` : law, async () => {
          const made = await subject.make();
          try {
            if (reason) await assert.rejects(async () => check(made.subject), `"${law}" holds now; drop the deviation`);
            else await check(made.subject);
          } finally {
            await made.end?.();
          }
        });
      }
      it("declares no deviation from an unknown law", () => assert.deepEqual([...deviations.keys()], []));
    });
  };
}
