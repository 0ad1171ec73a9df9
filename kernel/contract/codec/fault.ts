/** Thrown by the fast paths for whatever is wrong or rare; never leaves the codec. No stack is captured. */
export const fault = Object.freeze({ fault: true });

/** Why the last fault was thrown, for the interpreting codec, which knows the field too. */
export const lastFault = { reason: "" };

/** Gives up the fast path. */
export function fail(reason: string): never {
  lastFault.reason = reason;
  throw fault;
}
