import { createInterface } from "node:readline";
import { UserError } from "../exit.ts";

/** Requests as JSON values: from an argument, or line by line from standard input where that is `-`. */
export async function* jsonRequests(argument: string, input: NodeJS.ReadableStream): AsyncIterable<unknown> {
  if (argument !== "-") {
    yield* jsonValues(argument, "the request");
    return;
  }
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() !== "") yield* jsonValues(text, `line ${line} of the input`);
  }
}

/** The values of a text: one JSON value, several one after another on lines of their own, or a list of them. */
function jsonValues(text: string, where: string): unknown[] {
  const whole = parse(text);
  if ("value" in whole) return Array.isArray(whole.value) ? whole.value : [whole.value];
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const values = lines.map((line) => parse(line));
  const all = values.flatMap((one) => ("value" in one ? [one.value] : []));
  if (lines.length > 1 && all.length === lines.length) return all;
  throw new UserError(`${where} is not JSON: ${whole.fault}`);
}

function parse(text: string): { readonly value: unknown } | { readonly fault: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}
