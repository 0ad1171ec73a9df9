/** Thrown by the fast paths for whatever is wrong or rare; never leaves the codec. Its stack is captured once, not per fault. */
export const fault = new Error("left to the interpreting codec");

/**
 * Why the last fault was thrown. The interpreting codec then finds out at which field; but not for a fault that is
 * `final`, because bytes that cost too much once must not be read twice.
 */
export const lastFault = { reason: "", final: false };

/** Gives up the fast path. */
export function fail(reason: string): never {
  lastFault.reason = reason;
  lastFault.final = false;
  throw fault;
}

/** Gives up for good. */
export function failFinally(reason: string): never {
  lastFault.reason = reason;
  lastFault.final = true;
  throw fault;
}
