import { defineSpi } from "../core/spi.ts";

/** Injects faults at named points of the platform's own protocols, to see that they are survived. */
export interface Faults {
  /** Called at a point, for example `T9`; what it throws, or never resolves, happens there. */
  at(point: string): Promise<void> | void;
}

export const faults = defineSpi<Faults>("faults", { kind: "one" });
