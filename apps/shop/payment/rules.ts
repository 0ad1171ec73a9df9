import { refusal } from "../shared/refusal.ts";

export type PaymentState = "HELD" | "CHARGED" | "REFUNDED" | "VOID";

export interface PaymentFacts {
  readonly userId: string;
  readonly cents: bigint;
  readonly currency: string;
  readonly state: PaymentState;
}

/** The most that one top-up may bring, in cents. */
export const maxTopUpCents = 1_000_000n;

/** Whether an order is to be charged now (`do`) or was before (`nothing`); refuses what can never be. */
export function chargeStep(before: PaymentFacts | undefined, wanted: Omit<PaymentFacts, "state">): "do" | "nothing" {
  if (before === undefined) return "do";
  if (before.state !== "CHARGED" && before.state !== "HELD")
    throw refusal("FAILED_PRECONDITION", "PAYMENT_VOID", "The payment of this order was given back.");
  if (before.userId !== wanted.userId || before.cents !== wanted.cents || before.currency !== wanted.currency)
    throw refusal("ALREADY_EXISTS", "PAYMENT_DIFFERS", "This order was charged before, but not for the same.");
  return "nothing";
}

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
