import { mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What a process asked of a participant, or heard as one, and what it has an answer to. */
export interface Asked {
  readonly what: "asked" | "heard" | "answered";
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly gid: string;
  readonly branch: string;
  readonly action: string;
  readonly strategy: string;
}

/** A branch that a process gave to the bus. */
export interface Sent {
  readonly what: "sent";
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly gid: string;
  readonly branch: string;
  readonly participant: string;
  /** How often it was sent before without being acknowledged. */
  readonly round: number;
}

export type Request = Asked | Sent;

/** What one process did between its start and its end, in order. */
export type History = readonly Request[];

/** Writes down what this process does. It is in the file before it is done, so no SIGKILL loses it. */
export function historyIn(dir: string): (request: Request) => void {
  mkdirSync(dir, { recursive: true });
  const file = openSync(join(dir, `${process.pid}-${Date.now()}`), "a");
  return (request) => void writeSync(file, `${JSON.stringify(request)}\n`);
}

/** What every process wrote down that has been there. */
export function historiesOf(dir: string): readonly History[] {
  return readdirSync(dir).map((name) => {
    const lines = readFileSync(join(dir, name), "utf8").split("\n");
    return lines.slice(0, -1).map((line) => JSON.parse(line) as Request); // behind the last one is nothing, or a part of one
  });
}
