import type { Need } from "./needs.ts";
import type { Spi } from "./spi.ts";

/** A need taken apart. */
export interface NeedShape {
  readonly spi: Spi<unknown>;
  readonly wants: "default" | "every" | "named" | "optional";
  /** The name or alias a `named` need asks for. */
  readonly name: string | undefined;
  /** Whether the asker gets a handle and stays when the provider is replaced. */
  readonly live: boolean;
  readonly derive: ((api: never) => unknown) | undefined;
}

/** Reads what a need asks for. Throws a TypeError if it is none. */
export function needShape(need: Need): NeedShape {
  if ("from" in need) return { ...needShape(need.from), derive: need.derive };
  if ("live" in need) return { ...needShape(need.live), live: true };
  const plain = { name: undefined, live: false, derive: undefined };
  if ("every" in need) return { ...plain, spi: need.every, wants: "every" };
  if ("named" in need) return { ...plain, spi: need.named, wants: "named", name: need.name };
  if ("optional" in need) return { ...plain, spi: need.optional, wants: "optional" };
  if (typeof need.id !== "string")
    throw new TypeError("a need is an SPI, or made by every, named, optional, live or derived");
  return { ...plain, spi: need, wants: "default" };
}

/** The need as its author wrote it, for people: `live(every(filter))`. */
export function describeNeed({ spi, wants, name, live, derive }: NeedShape): string {
  const asked = wants === "default" ? spi.id : wants === "named" ? `named(${spi.id}, ${name})` : `${wants}(${spi.id})`;
  const held = live ? `live(${asked})` : asked;
  return derive ? `derived(${held})` : held;
}
