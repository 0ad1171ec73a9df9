import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

const toast = signal<ComponentChildren>(undefined);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Tells something at the edge of the page for a few seconds. */
export function tell(what: ComponentChildren): void {
  clearTimeout(timer);
  toast.value = what;
  timer = setTimeout(() => {
    toast.value = undefined;
  }, 3500);
}

export function Toast() {
  return (
    <div class="toast-place" aria-live="polite">
      {toast.value && <div class="toast">{toast.value}</div>}
    </div>
  );
}
