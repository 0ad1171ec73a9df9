/** Which plugins of one SPI serve: a name, names in order, or names by alias (`{ default: nats, audit: nats }`). */
export type UseValue = string | readonly string[] | Readonly<Record<string, string>>;

/** A place in what people wrote; line and column count from 1, and are 0 for a file, or an argument, as a whole. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type ConfigPath = readonly (string | number)[];

/** What the core is configured with: plain data, and where each piece of it was written. */
export interface CoreConfig {
  /** By SPI id. */
  readonly use: Readonly<Record<string, UseValue>>;
  /** Raw options by plugin key: `<spi>/<name>`, or `<spi>/<name>#<alias>`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Where a path such as `["use", "filter", 1]` or `["options", "bus/nats", "servers"]` was written. */
  readonly locate?: (path: ConfigPath) => Location | undefined;
}

/** Something wrong with a configuration, complete enough to put it right. */
export interface Problem {
  readonly code: string;
  /** What is wrong and how to fix it, in one or two sentences. */
  readonly message: string;
  readonly path: ConfigPath;
  readonly location?: Location | undefined;
}
