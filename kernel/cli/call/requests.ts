import { createInterface } from "node:readline";
import { jsonValues } from "../../generic/json-requests.ts";

/** Requests as JSON values: from an argument, or line by line from standard input where that is `-`. */
export async function* jsonRequests(argument: string, input: NodeJS.ReadableStream): AsyncIterable<unknown> {
  if (argument !== "-") {
    yield* jsonValues(argument);
    return;
  }
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() !== "") yield* jsonValues(text, `line ${line} of the input`);
  }
}
