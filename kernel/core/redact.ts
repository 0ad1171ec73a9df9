const secretName = /pass(word|phrase|wd)?$|secret|token|credential|api_?key|private_?key/i;
const hidden = "***";

/** A value to be shown: secrets, by what they are called or declared (`sensitive`), and passwords within addresses are hidden. */
export function redacted(name: string, value: unknown, sensitive: readonly string[]): unknown {
  if (value === undefined || value === null || value === "") return value;
  if (sensitive.includes(name) || (secretName.test(name) && typeof value !== "boolean" && typeof value !== "number"))
    return hidden;
  if (typeof value === "string") return value.replace(/(?<=\/\/[^/@:\s]*:)[^/@\s]+(?=@)/g, hidden);
  if (Array.isArray(value)) return value.map((item) => redacted("", item, sensitive));
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, redacted(key, part, sensitive)]));
}
