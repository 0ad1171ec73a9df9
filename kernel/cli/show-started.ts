import type { Kernel } from "../core/kernel.ts";
import type { Log } from "../core/plugin.ts";
import { server } from "../spi/server.ts";
import { columns } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** What has just started. */
export interface Started {
  readonly app: string;
  readonly kernel: Kernel;
  /** How long it took, in milliseconds, loading included. */
  readonly tookMs: number;
}

interface Summary {
  readonly plugins: number;
  readonly services: readonly string[];
  readonly endpoints: readonly { readonly protocol: string; readonly address: string }[];
}

function summaryOf(kernel: Kernel): Summary {
  const { services = [], endpoints = [] } = kernel.every(server).values().next().value ?? {};
  return { plugins: kernel.explain().plugins.length, services, endpoints };
}

/** Tells people in a few lines what serves where. */
export function showStarted(terminal: Terminal, { app, kernel, tookMs }: Started): void {
  const { plugins, services, endpoints } = summaryOf(kernel);
  const took = tookMs < 1000 ? `${Math.round(tookMs)} ms` : `${(tookMs / 1000).toFixed(1)} s`;
  const size = terminal.styled("dim", `(${count(services, "service")}, ${plugins} plugins)`);
  terminal.out(`${terminal.styled(["green", "bold"], app)} is up in ${took} ${size}`);
  const lines = columns(endpoints.map(({ protocol, address }) => [`  ${protocol}`, address, ""]));
  for (const line of lines) terminal.out(line.trimEnd());
  for (const service of services) terminal.out(terminal.styled("dim", `  · ${service}`));
}

/** Tells machines the same in one line of the log. */
export function logStarted(log: Log, { app, kernel, tookMs }: Started): void {
  log.info(`${app} is up`, { app, ms: Math.round(tookMs), ...summaryOf(kernel) });
}

function count(things: readonly unknown[], name: string): string {
  return `${things.length} ${name}${things.length === 1 ? "" : "s"}`;
}
