import assert from "node:assert/strict";
import type { Terminal } from "../terminal.ts";

/** A terminal without styles that keeps what is written to it, and takes nothing to standard error unless that is kept as well. */
export function plainTerminal(width?: number, errors?: string[]) {
  const lines: string[] = [];
  const text = (_: unknown, text: string) => text;
  const terminal: Terminal = {
    out: (line) => void lines.push(line),
    err: (line) => (errors ? void errors.push(line) : assert.fail(line)),
    ...{ styled: text, styledErr: text, width },
  };
  return { lines, terminal };
}
