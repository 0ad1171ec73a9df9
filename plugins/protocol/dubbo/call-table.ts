import type { ServerCall } from "./server-call.ts";

/** Slots of the table; calls of one slot are a list. A power of two. */
const slots = 1024;

/** The calls of one connection that are being handled, found by the id their caller gave them. It makes nothing per call. */
export class CallTable {
  readonly #slots: (ServerCall | undefined)[] = new Array(slots).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(call: ServerCall): void {
    const at = call.idLow & (slots - 1);
    const first = this.#slots[at];
    call.after = first;
    if (first) first.before = call;
    this.#slots[at] = call;
    this.#size++;
  }

  /** Call once per call that was added. */
  remove(call: ServerCall): void {
    const { before, after } = call;
    if (before) before.after = after;
    else this.#slots[call.idLow & (slots - 1)] = after;
    if (after) after.before = before;
    call.before = call.after = undefined;
    this.#size--;
  }

  find(idHigh: number, idLow: number): ServerCall | undefined {
    let call = this.#slots[idLow & (slots - 1)];
    while (call && (call.idLow !== idLow || call.idHigh !== idHigh)) call = call.after;
    return call;
  }

  all(): readonly ServerCall[] {
    const all: ServerCall[] = [];
    for (const first of this.#slots) for (let call = first; call; call = call.after) all.push(call);
    return all;
  }
}
