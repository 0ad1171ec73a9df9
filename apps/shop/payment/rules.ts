import { refusal } from "../shared/refusal.ts";

export type PaymentState = "HELD" | "CHARGED" | "REFUNDED" | "VOID";

/** The most that one top-up may bring, in cents. */
export const maxTopUpCents = 1_000_000n;

/**
 * Refuses to charge an order, or to bar it from being charged, when something was done about its payment before. Repetitions
 * of a transaction never come here, so whoever was before is another one.
 */
export function checkUntouched(before: PaymentState | undefined): void {
  if (before === undefined) return;
  const [reason, message] = taken[before];
  throw refusal("FAILED_PRECONDITION", reason, message);
}

const taken = {
  HELD: ["PAYMENT_UNDER_WAY", "This order is being paid at the moment."],
  CHARGED: ["ALREADY_PAID", "This order was paid before."],
  REFUNDED: ["PAYMENT_VOID", "The payment of this order was given back."],
  VOID: ["PAYMENT_VOID", "This order can not be paid any more."],
} as const;

/** A wallet: what it holds, and what of that is set aside for orders being placed. */
export interface Funds {
  readonly balanceCents: bigint;
  readonly heldCents: bigint;
}

/** Refuses a charge for which there is not enough that is not set aside: INSUFFICIENT_FUNDS. */
export function checkFunds({ balanceCents: all, heldCents }: Funds, cents: bigint): void {
  const balanceCents = all - heldCents;
  if (balanceCents >= cents) return;
  const details = { balanceCents: String(balanceCents), wantedCents: String(cents) };
  throw refusal("FAILED_PRECONDITION", "INSUFFICIENT_FUNDS", "There is not enough money in the wallet.", details);
}

/** A point for each whole unit of money that was spent. */
export function pointsFor(cents: bigint): bigint {
  return cents / 100n;
}

/** Refuses amounts of no or too much money, and other currencies than the wallet's. */
export function checkAmount(amount: { readonly cents: bigint; readonly currency: string }, currency: string): void {
  if (amount.currency !== currency) throw badAmount(`This shop takes ${currency} only.`);
  if (amount.cents <= 0n) throw badAmount("An amount must be more than nothing.");
}

/** Refuses top-ups that are too large for a demonstration. */
export function checkTopUp(cents: bigint): void {
  if (cents > maxTopUpCents) throw badAmount(`A top-up may bring at most ${maxTopUpCents / 100n} at once.`);
}

function badAmount(message: string): Error {
  return refusal("INVALID_ARGUMENT", "BAD_AMOUNT", message, { field: "amount" });
}
