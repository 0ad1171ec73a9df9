import { needShape } from "./need-shape.ts";
import type { Deps, Needs } from "./needs.ts";
import type { Ports } from "./ports.ts";
import type { Schema } from "./schema.ts";
import type { Spi } from "./spi.ts";

/** Writes one line for people. Fields are data, never secrets. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Counts who still uses one generation; its plugins are stopped only after the last one has left. */
export interface Generation {
  readonly id: number;
  /** Whether this is the generation new work goes to. */
  readonly current: boolean;
  /**
   * By SPI: the generation in which what serves it has last changed. For those who keep something across generations that is
   * made of what others serve.
   */
  readonly changes: ReadonlyMap<string, number>;
  enter(): void;
  leave(): void;
}

/** What a plugin is given when it starts. */
export interface Setup<N extends Needs, O> {
  readonly deps: Deps<N>;
  readonly options: O;
  readonly ports: Ports;
  readonly log: Log;
  /** Aborted when the kernel gives up on this start. */
  readonly signal: AbortSignal;
  /** The generation that serves now; ask again for every piece of work. */
  readonly generation: () => Generation;
}

/** What a wrapper is given besides: the plugin it stands before. */
export interface WrapperSetup<T, N extends Needs, O> extends Setup<N, O> {
  readonly inner: T;
  /** Name of the innermost plugin. */
  readonly innerName: string;
}

/** What a plugin gives back: its face to the others, and how to end it. */
export interface Running<T, N extends Needs = Needs> {
  readonly api: T;
  /**
   * Called before each flip after the first, of a plugin that stays, with what its needs will be after the flip. Everything
   * new has started by then. Rejecting gives the whole change up: the old generation goes on.
   */
  follow?(next: Deps<N>): Following | undefined | Promise<Following | undefined>;
  /** Refuses new work, lets work in flight finish, releases everything. */
  stop?(): void | Promise<void>;
}

/** How a plugin goes along with a change of what its live needs point at. */
export interface Following {
  /**
   * Called right after the flip. `drained` resolves when the last user of older generations has left. Plugins that are
   * gone are stopped only after that and after what this returns has settled.
   */
  flipped?(drained: Promise<void>): void | Promise<void>;
  /** Called instead when the change is given up: puts back what `follow` has done. */
  undo?(): void | Promise<void>;
}

/** When and where a chain plugin joins the set that the list entry `default` stands for. */
export interface Activation {
  /** Lower comes first (outermost); ties are ordered by name. */
  readonly order: number;
  /** Joins only if all of these SPIs have a plugin selected. */
  readonly whenUsed?: readonly Spi<unknown>[];
}

export type PluginFacts = Readonly<Record<string, unknown>>;

interface Identity<T> {
  readonly spi: Spi<T>;
  /** Kebab-case; with the SPI it makes the id `<spi>/<name>`, which is also the plugin's folder. */
  readonly name: string;
  /** One sentence for `mortise plugins`. */
  readonly description: string;
}

interface Facts<N extends Needs, O> {
  readonly needs?: N;
  /** Any Standard Schema; unknown in, complete out. Without it the plugin takes no options. */
  readonly options?: Schema<O>;
  /** Policy fields this plugin adds, each with its schema; see `policyFields`. */
  readonly policy?: Readonly<Record<string, Schema>>;
  readonly activate?: Activation;
  /** Names of options, at any depth, that are never shown. Names such as `password` or `token` never are. */
  readonly sensitive?: readonly string[];
  /** Plain data about this plugin that its SPI wants known before it runs, for example what a protocol can carry. */
  readonly facts?: PluginFacts;
  /** Holds something only one can hold (a fixed port): stops before its successor starts. */
  readonly exclusive?: boolean | ((options: O) => boolean);
}

export interface PluginDefinition<T, N extends Needs, O> extends Identity<T>, Facts<N, O> {
  readonly wraps?: false;
  setup(setup: Setup<N, O>): Running<T, N> | Promise<Running<T, N>>;
}

/** A plugin that stands before every selected plugin of its SPI, lowest order outermost. */
export interface WrapperDefinition<T, N extends Needs, O> extends Identity<T>, Facts<N, O> {
  readonly wraps: true;
  readonly order: number;
  setup(setup: WrapperSetup<T, N, O>): Running<T, N> | Promise<Running<T, N>>;
}

/** One implementation of one SPI, its type parameters erased. Only the kernel looks inside. */
export interface Plugin {
  readonly id: string;
  readonly spi: Spi<unknown>;
  readonly name: string;
  readonly description: string;
  readonly needs: Needs;
  readonly options: Schema | undefined;
  readonly policy: Readonly<Record<string, Schema>>;
  readonly activate: Activation | undefined;
  readonly sensitive: readonly string[];
  readonly facts: PluginFacts;
  readonly exclusive: (options: unknown) => boolean;
  readonly wraps: boolean;
  readonly order: number;
  readonly setup: (setup: WrapperSetup<unknown, Needs, unknown>) => Running<unknown> | Promise<Running<unknown>>;
}

/** Declares a plugin. Throws a TypeError if the declaration itself is wrong, for example its name. */
export function definePlugin<T, const N extends Needs = Record<never, never>, O = Record<never, never>>(
  definition: PluginDefinition<T, N, O> | WrapperDefinition<T, N, O>,
): Plugin {
  const { spi, name, description, options, activate, exclusive = false } = definition;
  const { needs = {}, policy = {}, sensitive = [], facts = {} } = definition;
  checkDeclaration(spi, name, needs);
  return Object.freeze({
    id: `${spi.id}/${name}`,
    spi,
    name,
    description,
    needs,
    options,
    policy,
    activate,
    sensitive,
    facts,
    exclusive: typeof exclusive === "function" ? (exclusive as (options: unknown) => boolean) : () => exclusive,
    wraps: definition.wraps === true,
    order: definition.wraps === true ? definition.order : 0,
    setup: definition.setup as Plugin["setup"], // the kernel hands over deps and options of just these types
  });
}

function checkDeclaration(spi: Spi<unknown>, name: string, needs: Needs): void {
  if (typeof spi?.id !== "string") throw new TypeError(`plugin ${name}: spi must be made by defineSpi${circular}`);
  const id = `${spi.id}/${name}`;
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) throw new TypeError(`plugin ${id}: the name must be kebab-case`);
  if (name === "default")
    throw new TypeError(`plugin ${id}: the name \`default\` has a meaning in lists; choose another`);
  for (const [local, need] of Object.entries(needs)) {
    try {
      needShape(need);
    } catch {
      throw new TypeError(`plugin ${id}: need "${local}" is neither an SPI nor made by every, named, …${circular}`);
    }
  }
}

const circular = " (if it is undefined, two modules import each other)";
