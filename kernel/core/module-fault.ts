import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { reasonOf } from "./errors.ts";

const kernel = pathToFileURL(`${dirname(import.meta.dirname)}/`).href;

/** Why a module could not be imported, with the place in the sources, in one line without a stack. */
export function moduleFault(error: unknown): string {
  const reason = stripVTControlCharacters(reasonOf(error)).split("\n")[0] ?? "";
  const place = error instanceof Error ? placeIn(error.stack ?? "") : undefined;
  const missing = missingPackage(error);
  const fix = missing === undefined ? "" : `. Install it: npm install ${missing}`;
  return `${reason}${fix}${place === undefined || reason.includes(place) ? "" : ` (${place})`}`;
}

/** The package to install, where that is what is lacking. */
function missingPackage(error: unknown): string | undefined {
  const { code, message = "" } = (error ?? {}) as { readonly code?: unknown; readonly message?: string };
  if (code !== "ERR_MODULE_NOT_FOUND") return undefined;
  const [, name = ""] = /^(?:Cannot find package '|Import ")((?:@[^/'"]+\/)?[^/'"]+)[^'"]*['"]/.exec(message) ?? []; // Node's words, or Deno's
  return name || undefined;
}

/** The line that could not be read, or else the first call outside the kernel. */
function placeIn(stack: string): string | undefined {
  const unreadable = /^(file:\/\/\S+?|\/\S+?):(\d+)$/m.exec(stack.split("\n    at ")[0] ?? "");
  if (unreadable) return `${pathOf(unreadable[1] ?? "")}:${unreadable[2]}`;
  for (const [, url = "", line, column] of stack.matchAll(/(file:\/\/[^\s()]+?):(\d+):(\d+)/g)) {
    if (!url.startsWith(kernel)) return `${pathOf(url)}:${line}:${column}`;
  }
  return undefined;
}

function pathOf(url: string): string {
  return url.startsWith("file:") ? fileURLToPath(url) : url;
}
