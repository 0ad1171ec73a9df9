import type { Problem } from "./config.ts";
import { formatProblems } from "./problems.ts";

/** Every way the kernel can fail or refuse a configuration. The key is the code, the value what to do about it. */
export const kernelErrors = {
  CONFIG_INVALID: "Put right the problems listed; nothing was started and nothing was changed.",
  CONTRIBUTION_INVALID:
    'Write "mortise": { "plugins": { "<spi>/<name>": "./file.js" } } in the package.json, with files inside the package.',
  DRAIN_TIMEOUT:
    "Work of an older generation was still under way at the drain deadline; make it shorter or raise drainTimeoutMs.",
  FOLLOW_FAILED: "A running plugin could not go along with the change, so it was given up; see the cause.",
  KERNEL_STOPPED: "The kernel is stopped; make a new one.",
  KIND_ONE: "Exactly one plugin of this SPI may serve; keep one (wrappers do not count).",
  LIST_CONTRADICTORY:
    "Name each plugin once in a list, either with or without a minus; to use one twice give both a name: { default: nats, audit: nats }.",
  NEED_CYCLE:
    "Plugins need each other in a circle; make one of these needs live, or move what both need into a third SPI.",
  NEED_KIND: "A chain is used as a whole: ask for it with every(spi), or for one of its plugins with named(spi, name).",
  NEED_UNMET: "Select a plugin for the SPI under `use`.",
  NOT_RUNNING:
    "A plugin was read before it had started or after it had failed; read `current` of a live need at every use, not in setup.",
  NOT_SELECTED: "Select a plugin for the SPI under `use`, or let a plugin declare the need.",
  OPTIONS_ASYNC: "Options are checked while planning; give the plugin a schema that answers synchronously.",
  OPTIONS_INVALID: "Give the option a value its schema accepts; the plugin's README lists options, units and defaults.",
  OPTIONS_NOT_TAKEN: "Remove the options; this plugin has none.",
  OPTIONS_UNKNOWN: "Write options under the key of a plugin: <spi>/<name>, or <spi>/<name>#<alias> for its second use.",
  OPTIONS_UNUSED: "A warning: these options have no effect while their plugin is not selected.",
  OPTION_UNKNOWN: "Correct the name of the option; the plugin's README lists them.",
  PLUGIN_DUPLICATE: "Two plugins have one id; remove or rename one.",
  PLUGIN_MISMATCH: "Export exactly one plugin made by definePlugin, with the id it is listed under.",
  PLUGIN_UNKNOWN: "Select a plugin that is installed; `mortise plugins` lists them.",
  PLUGIN_UNLOADABLE: "Repair the module, or install the package it asks for.",
  ROLLBACK_FAILED:
    "An exclusive plugin was stopped for its successor, which failed, and could not be started again; apply a working configuration.",
  SETUP_INVALID: "Let setup return { api, stop }.",
  SPI_CONFLICT:
    "Two plugins declare one SPI differently, most likely from two versions of a package; install one version.",
  SPI_UNKNOWN: "Use the id of an SPI that some installed plugin belongs to; `mortise plugins` lists them.",
  START_FAILED: "The plugin threw while it started; see the cause. Everything else started with it was stopped again.",
  START_GIVEN_UP: "The start was given up because the kernel was told to stop.",
  START_TIMEOUT: "The plugin did not start in time; see what it waits for, or raise startTimeoutMs.",
  STOP_FAILED: "The plugin threw while it stopped; everything else was stopped all the same.",
  STOP_TIMEOUT: "The plugin did not stop in time and was left behind; see what it waits for, or raise stopTimeoutMs.",
  USE_INVALID:
    "Write a name, a list of names, or names by alias: `bus: nats`, `bus: [nats]`, `bus: { default: nats }`.",
} as const;

export type KernelErrorCode = keyof typeof kernelErrors;

export interface KernelErrorOptions extends ErrorOptions {
  readonly problems?: readonly Problem[];
}

/** The only error the kernel throws. Switch on `code`; `message` says what to do, `problems` holds all that is wrong. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  readonly code: KernelErrorCode;
  /** What happened, without the advice. */
  readonly subject: string;
  readonly problems: readonly Problem[];

  constructor(code: KernelErrorCode, subject: string, { problems = [], ...options }: KernelErrorOptions = {}) {
    const others = problems.filter(({ message }) => message !== subject);
    super([`${subject} ${kernelErrors[code]}`, formatProblems(others)].filter(Boolean).join("\n"), options);
    this.code = code;
    this.subject = subject;
    this.problems = problems;
  }
}

/** What went wrong, in one line without a stack. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim();
}
