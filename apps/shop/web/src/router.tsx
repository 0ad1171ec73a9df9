import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

/** Where the visitor is: path and query of the address. */
export const place = signal(read());

function read(): { readonly path: string; readonly query: URLSearchParams } {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

addEventListener("popstate", () => {
  place.value = read();
});

/** Goes to another page of the shop. */
export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  const before = place.value.path;
  place.value = read();
  if (place.value.path !== before) scrollTo(0, 0);
}

interface LinkProps {
  readonly to: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly tabIndex?: number;
  readonly "aria-label"?: string;
  readonly "aria-hidden"?: "true";
  readonly "aria-current"?: "page" | undefined;
}

/** A link within the shop. Opening it in a new tab works as everywhere. */
export function Link({ to, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a {...rest} href={to} onClick={follow}>
      {children}
    </a>
  );
}

/** The part of a path after a prefix, if it is one part: `after("/orders/", "/orders/7")` is `7`. */
export function after(prefix: string, path: string): string | undefined {
  if (!path.startsWith(prefix)) return undefined;
  const rest = path.slice(prefix.length);
  return rest === "" || rest.includes("/") ? undefined : decodeURIComponent(rest);
}
