import type { OrderStatus } from "../api.ts";
import { statusWords } from "../format.ts";

/** A status as a small coloured word. */
export function StatusPill({ status }: { readonly status: OrderStatus }) {
  return <span class={`pill pill-${status.toLowerCase()}`}>{statusWords[status]}</span>;
}
