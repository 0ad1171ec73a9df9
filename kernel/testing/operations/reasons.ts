const alone = "The operation waited for its own transaction, or was cut off: does it use another connection than `tx`?";

const cutOff: ReadonlySet<string> = new Set(["25P03", "CONNECTION_CLOSED", "UNAVAILABLE"]);

/** Whether an error itself tells of a transaction that was ended from outside, and so not where. */
export function isUnsaid(error: unknown): boolean {
  return cutOff.has((error as { code?: string }).code ?? "");
}

/** Whether the transaction of a law was ended from outside. */
export function isCutOff(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return isUnsaid(error) || isCutOff(error.cause);
}

/** Says of what was thrown where it comes from. */
export function thrownBy(what: string, error: unknown): Error {
  return new Error(`${what} throws: ${reasonOf(error)}`, { cause: error });
}

/** What a person needs to know of what was thrown: the cause of it first, such as the constraint that says no. */
export function reasonOf(error: unknown): string {
  const [first = "", ...around] = messagesOf(error);
  const text = [first, ...around.map((message) => `(${message})`)].join(" ");
  return isCutOff(error) ? `${unended(text)}. ${alone}` : text;
}

/** The messages of an error and of what caused it, the innermost first; none that another repeats. */
function messagesOf(error: unknown): readonly string[] {
  const found: string[] = [];
  for (let at = error; at !== undefined && at !== null; at = (at as { cause?: unknown }).cause) {
    const message = String((at as { message?: unknown }).message ?? at);
    if (!found.some((other) => other.includes(message))) found.unshift(message);
  }
  return found;
}

/** Without what ends a sentence, for more is to follow. */
export function unended(text: string): string {
  return text.replace(/[.\s]+$/, "");
}
