import { defineSpi } from "../core/spi.ts";

/** The central rules of an app as somebody published them. */
export interface ConfigVersion {
  /** 1, 2, 3, …; the greatest is what all processes are to run. */
  readonly version: number;
  /** YAML: what is laid over the app file. */
  readonly text: string;
  /** When, by the publisher's clock, in milliseconds since 1970. */
  readonly at: number;
  /** Who. */
  readonly by: string;
  /** Why; may be empty. */
  readonly note: string;
}

/** Rules to be published. */
export interface ConfigDraft extends Pick<ConfigVersion, "text" | "by" | "note"> {
  /** The newest version its author knows, 0 for none. If there is a newer one, nothing is published. */
  readonly after: number;
}

/** What one process makes of the central rules. */
export interface ConfigReport {
  readonly process: string;
  /** The version it runs; 0: its app file alone. */
  readonly runs: number;
  /** A newer version it could not take, and why. */
  readonly refused?: { readonly version: number; readonly reason: string };
}

/** Tells nothing more once it is closed. */
export interface ConfigWatch {
  close(): void;
}

/**
 * Keeps the central rules of apps, every version of them, and tells all processes of a new one within a second. What needs the
 * source rejects with UNAVAILABLE while it is away; `watch`, `kept` and `report` do not.
 */
export interface ConfigSource {
  /** Tells the newest version as soon as it is known, undefined for none, and then every newer one. Silent while the source is away. */
  watch(app: string, listener: (newest: ConfigVersion | undefined) => void): ConfigWatch;
  /** One version, without a number the newest; undefined if there is none. */
  read(app: string, version?: number): Promise<ConfigVersion | undefined>;
  /** The versions that are kept, the newest first. */
  history(app: string): Promise<readonly ConfigVersion[]>;
  /**
   * Makes it the newest version. Rejects with ABORTED, reason CONFIG_CONFLICT, when there is one after `draft.after`, and with
   * INVALID_ARGUMENT for an app's name that is not in kebab-case or more than 512 KiB.
   */
  publish(app: string, draft: ConfigDraft): Promise<ConfigVersion>;
  /** Remembers on this machine a version that has proved good. */
  keep(app: string, version: ConfigVersion): Promise<void>;
  /** Versions that have proved good here, the newest first; also while the source is away. */
  kept(app: string): Promise<readonly ConfigVersion[]>;
  /** Tells others what this process makes of the rules, until it stops or tells otherwise. */
  report(app: string, report: ConfigReport): void;
  /** What the processes that run make of the rules, by name. */
  reports(app: string): Promise<readonly ConfigReport[]>;
}

export const configSource = defineSpi<ConfigSource>("config-source", { kind: "one" });
