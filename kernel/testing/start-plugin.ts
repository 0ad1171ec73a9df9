import type { Log, Plugin, Running } from "../core/plugin.ts";
import { type Ports, systemPorts } from "../core/ports.ts";
import { silentLog } from "./logs.ts";

export interface StartPluginOptions {
  /** As people write them in the configuration. */
  readonly options?: unknown;
  /** What its needs give, by local name. */
  readonly deps?: Readonly<Record<string, unknown>>;
  readonly ports?: Ports;
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

/** Starts one plugin without a kernel, its options checked as the kernel does. `T` is the contract of its SPI. */
export async function startPlugin<T>(plugin: Plugin, given: StartPluginOptions = {}): Promise<Running<T>> {
  const { deps = {}, ports = systemPorts, log = silentLog, signal = new AbortController().signal } = given;
  const options = await checkedOptions(plugin, given.options ?? {});
  const generation = { id: 1, current: true, changes: new Map(), enter: () => undefined, leave: () => undefined };
  const setup = { deps, options, ports, log, signal, generation: () => generation, inner: undefined, innerName: "" };
  return (await plugin.setup(setup)) as Running<T>;
}

async function checkedOptions({ id, options: schema }: Plugin, options: unknown): Promise<unknown> {
  const result = await schema?.["~standard"].validate(options);
  if (!result?.issues) return result?.value ?? options;
  const lines = result.issues.map(({ message, path = [] }) => `${path.map(keyOf).join(".")}: ${message}`);
  throw new TypeError(`${id} refuses these options:\n${lines.join("\n")}`);
}

function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof segment === "object" ? segment.key : segment);
}
