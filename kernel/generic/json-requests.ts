import { misuse } from "./method-of.ts";

/** The values of a text: one JSON value, several one after another on lines of their own, or a list of them. Throws INVALID_ARGUMENT, reason INVALID_JSON. */
export function jsonValues(text: string, where = "the request"): unknown[] {
  const whole = parse(text);
  if ("value" in whole) return Array.isArray(whole.value) ? whole.value : [whole.value];
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const values = lines.map((line) => parse(line));
  const all = values.flatMap((one) => ("value" in one ? [one.value] : []));
  if (lines.length > 1 && all.length === lines.length) return all;
  throw misuse("INVALID_ARGUMENT", "INVALID_JSON", `${where} is not JSON: ${whole.fault}`);
}

function parse(text: string): { readonly value: unknown } | { readonly fault: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}
