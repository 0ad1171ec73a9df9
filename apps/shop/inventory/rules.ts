import { refusal } from "../shared/refusal.ts";

export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

export interface Level {
  readonly sku: string;
  readonly onHand: number;
  readonly frozen: number;
}

export type ReservationState = "FROZEN" | "DEDUCTED" | "RELEASED";

/** What to do about an order's reservation: nothing (it was done before), do it, or refuse. */
export type Step = "nothing" | "do" | "refuse";

/**
 * The first step of an order's stock. `before` is what the fence row said: a repetition changes nothing, and what was
 * released is never frozen again.
 */
export function freezeStep(before: ReservationState | undefined): Step {
  if (before === undefined) return "do";
  return before === "RELEASED" ? "refuse" : "nothing";
}

/** Goods leave the house once, and only when they were promised. */
export function deductStep(before: ReservationState | undefined): Step {
  if (before === undefined || before === "RELEASED") return "refuse";
  return before === "FROZEN" ? "do" : "nothing";
}

/** How giving an order's goods back changes the level of one product, per piece. */
export function releaseEffect(before: ReservationState): { readonly onHand: 0 | 1; readonly frozen: 0 | -1 } {
  if (before === "RELEASED") return { onHand: 0, frozen: 0 };
  return before === "FROZEN" ? { onHand: 0, frozen: -1 } : { onHand: 1, frozen: 0 };
}

/** Adds up lines of the same product and orders them by SKU, so that all orders lock rows in the same order. */
export function mergeLines(lines: readonly Line[]): readonly Line[] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of lines) {
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > 1_000)
      throw refusal("INVALID_ARGUMENT", "BAD_QUANTITY", `The quantity of ${sku} must be between 1 and 1000.`, { sku });
    quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  }
  if (quantities.size === 0) throw refusal("INVALID_ARGUMENT", "BAD_QUANTITY", "An order needs at least one line.");
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity })).sort((a, b) => (a.sku < b.sku ? -1 : 1));
}

/** Refuses when a line asks for more than is there and not promised: OUT_OF_STOCK, or NO_SUCH_PRODUCT. */
export function checkAvailable(lines: readonly Line[], levels: readonly Level[]): void {
  const bySku = new Map(levels.map((level) => [level.sku, level]));
  for (const { sku, quantity } of lines) {
    const level = bySku.get(sku);
    if (!level) throw noSuchProduct(sku);
    const available = level.onHand - level.frozen;
    if (available < quantity) {
      const details = { sku, available: String(available), wanted: String(quantity) };
      const message = available === 0 ? `${sku} is sold out.` : `Only ${available} of ${sku} are left.`;
      throw refusal("FAILED_PRECONDITION", "OUT_OF_STOCK", message, details);
    }
  }
}

export function noSuchProduct(sku: string): Error {
  return refusal("NOT_FOUND", "NO_SUCH_PRODUCT", `There is no product "${sku}".`, { sku });
}

/** The words of a search, as patterns for LIKE with its own signs taken literally; at most eight. */
export function searchPatterns(text: string): readonly string[] {
  const words = text.trim().split(/\s+/).filter(Boolean).slice(0, 8);
  return words.map((word) => `%${word.slice(0, 64).replace(/[\\%_]/g, "\\$&")}%`);
}
