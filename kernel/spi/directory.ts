import { defineSpi } from "../core/spi.ts";
import type { Instance } from "./instance.ts";

/** Where one service runs, as far as this process knows. */
export interface ServiceView {
  readonly service: string;
  /** Frozen, and the same array until something changes; an instance is the same object while it is unchanged. */
  readonly instances: readonly Instance[];
  /** Calls `listener` after every change of `instances`. Returns how to end that. */
  onChange(listener: () => void): () => void;
  /** Tells that an instance could not be reached. One that was kept only for want of better knowledge is dropped. */
  unreachable(instance: Instance): void;
}

/** Knows where services run, also while the registry is down. */
export interface Directory {
  /** Follows a service from the first question on. The same name gives the same view. */
  view(service: string): ServiceView;
}

export const directory = defineSpi<Directory>("directory", { kind: "one", fallback: "registry" });
