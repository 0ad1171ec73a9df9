import type { Environment } from "../config/fill.ts";
import type { Ports } from "../core/ports.ts";
import type { Terminal } from "./terminal.ts";

/** Everything a command touches of the world around it. */
export interface World {
  readonly terminal: Terminal;
  readonly ports: Ports;
  readonly env: Environment;
  readonly input: NodeJS.ReadableStream;
  /** Whether a person reads what is written to standard error. */
  readonly interactive: boolean;
}
