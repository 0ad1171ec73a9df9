import type { Readable } from "node:stream";

/** Calls `each` with every line of a stream, without its end. */
export function onLines(stream: Readable, each: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) each(line);
  });
}
