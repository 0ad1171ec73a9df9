import fc from "fast-check";
import { isCutOff } from "./reasons.ts";

interface Trying<T> {
  /** Inputs per round. */
  readonly runs?: number | undefined;
  /** Rounds at most. Default 5: chance may make nothing but what is refused. */
  readonly rounds?: number;
  readonly arbitrary: fc.Arbitrary<T>;
  readonly work: (value: T) => Promise<void>;
  /** Whether what was tried tells enough, after so many rounds. */
  readonly enough: (rounds: number) => boolean;
}

/** Tries inputs, round after round until they tell enough. Rejects with the smallest that breaks the law; gives how many it tried. */
export async function trying<T>({ runs = 10, rounds = 5, arbitrary, work, enough }: Trying<T>): Promise<number> {
  let tried = 0;
  let cutOff = false;
  const property = fc.asyncProperty(arbitrary, async (value) => {
    if (cutOff) return; // each smaller input would wait as long, on a database that is not as it was
    tried++;
    try {
      await work(value);
    } catch (error) {
      cutOff = isCutOff(error);
      throw error;
    }
  });
  for (let round = 0; round < rounds && !enough(round); round++)
    await fc.assert(property, { numRuns: runs, includeErrorInReport: true });
  return tried;
}
