import { refusal } from "./refusal.ts";

/** The size of a page: what was asked for, `fallback` for 0, never more than 100. */
export function pageSize(asked: number, fallback: number): number {
  if (asked < 0) throw refusal("INVALID_ARGUMENT", "BAD_FIELD", "pageSize must not be negative", { field: "pageSize" });
  return Math.min(asked === 0 ? fallback : asked, 100);
}

/** A page token that says where the next page begins. Opaque to clients. */
export function pageToken(at: readonly string[]): string {
  return Buffer.from(JSON.stringify(at)).toString("base64url");
}

/** Where a page begins: `parts` texts, or nothing for the first page. INVALID_ARGUMENT for a token that is not ours. */
export function pageStart(token: string, parts: number): readonly string[] | undefined {
  if (token === "") return undefined;
  const value = parse(token);
  if (Array.isArray(value) && value.length === parts && value.every((part) => typeof part === "string")) return value;
  throw refusal("INVALID_ARGUMENT", "BAD_PAGE_TOKEN", "pageToken is not one that a page of this list gave");
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    return undefined;
  }
}

/** Splits one row too many off a page: the rows to show, and whether there are more. */
export function cut<T>(rows: readonly T[], size: number): { readonly rows: readonly T[]; readonly more: boolean } {
  return { rows: rows.slice(0, size), more: rows.length > size };
}
