/** The platform's own reasons for an abort. No operation may say no for one of them: nobody could tell who said it. */
export const platformReasons = [
  "DEADLINE",
  "INTERRUPTED",
  "UNAVAILABLE",
  "ORPHAN",
  "FORCED",
  "KEY_REUSED",
  "INTERNAL",
  "INVALID_MESSAGE",
  "NO_SUCH_OPERATION",
] as const;

type PlatformReason = (typeof platformReasons)[number];

/** What is wrong with a list of rejects, as a text, where types can see it. */
export type WrongRejects<R> = R extends readonly [infer One extends string, ...infer Others]
  ?
      | (One extends PlatformReason ? `the reject ${One} is a reason of the platform; name it otherwise` : never)
      | (One extends Others[number] ? `the reject ${One} is there twice` : never)
      | WrongRejects<Others>
  : never;

/** What is wrong with a list of rejects; nothing where it is right. */
export function wrongRejects(rejects: readonly string[]): string | undefined {
  const own: readonly string[] = platformReasons;
  for (const [i, reason] of rejects.entries()) {
    if (!/^[A-Z][A-Z0-9_]*$/.test(reason)) return `write the reject "${reason}" in UPPER_SNAKE`;
    if (own.includes(reason)) return `the reject ${reason} is a reason of the platform; name it otherwise`;
    if (rejects.indexOf(reason) < i) return `the reject ${reason} is there twice`;
  }
  return undefined;
}
