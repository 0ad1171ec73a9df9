import { asStatusError } from "../../call/outcome.ts";

/** A participant that did not answer, or answered with an error, and why. */
export interface Silent {
  readonly participant: string;
  readonly why: string;
  readonly code: string;
}

export interface Asked<T> {
  /** By participant, in the order they were named. */
  readonly answers: ReadonlyMap<string, T>;
  readonly silent: Silent[];
}

/** Asks participants side by side; who does not answer is told with the rest. Never rejects. */
export async function askAll<T>(names: readonly string[], ask: (name: string) => Promise<T>): Promise<Asked<T>> {
  const results = await Promise.allSettled(names.map(ask));
  const answers = new Map<string, T>();
  const silent: Silent[] = [];
  for (const [index, result] of results.entries()) {
    const participant = names[index] ?? "";
    if (result.status === "fulfilled") answers.set(participant, result.value);
    else silent.push({ participant, ...whyOf(result.reason) });
  }
  return { answers, silent };
}

function whyOf(error: unknown): Omit<Silent, "participant"> {
  const { code, message } = asStatusError(error);
  return { why: message, code };
}
