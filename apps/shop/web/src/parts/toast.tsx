import { computed, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { place } from "../router.tsx";

const toast = signal<ComponentChildren>(undefined);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Tells something at the edge of the page for a few seconds, or until another page is shown. */
export function tell(what: ComponentChildren): void {
  clearTimeout(timer);
  toast.value = what;
  timer = setTimeout(clear, 3500);
}

function clear(): void {
  toast.value = undefined;
}

const path = computed(() => place.value.path);
path.subscribe(clear);

export function Toast() {
  return (
    <div class="toast-place" aria-live="polite">
      {toast.value && <div class="toast">{toast.value}</div>}
    </div>
  );
}
