import type { Baggage } from "./context.ts";

/** Limits of the W3C Baggage recommendation: what every platform must be able to carry. */
export const maxBaggageBytes = 8192;
export const maxBaggageMembers = 64;

export const noBaggage: Baggage = Object.freeze({});

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Reads a `baggage` header (W3C Baggage). Members that are malformed, and those beyond the limits, are left out;
 * properties of members are dropped.
 */
export function decodeBaggage(header: string): Baggage {
  const entries: [string, string][] = [];
  for (const member of whole(header).split(",", maxBaggageMembers)) {
    const entry = decodeMember(member);
    if (entry) entries.push(entry);
  }
  return entries.length === 0 ? noBaggage : Object.freeze(Object.fromEntries(entries));
}

/** The members that lie within the limit of length as a whole. */
function whole(header: string): string {
  return header.length <= maxBaggageBytes ? header : header.slice(0, header.lastIndexOf(",", maxBaggageBytes) + 1);
}

function decodeMember(member: string): [string, string] | undefined {
  const [pair = ""] = member.split(";", 1);
  const equals = pair.indexOf("=");
  if (equals < 0) return undefined;
  const key = pair.slice(0, equals).trim();
  if (!token.test(key)) return undefined;
  try {
    return [key, decodeURIComponent(pair.slice(equals + 1).trim())];
  } catch {
    return undefined; // a broken percent sequence
  }
}

/** Writes a `baggage` header; empty when there is nothing. Members whose key is no token, or that no longer fit, are left out. */
export function encodeBaggage(baggage: Baggage): string {
  let header = "";
  let members = 0;
  for (const key in baggage) {
    if (!token.test(key)) continue;
    const member = `${key}=${encodeURIComponent((baggage[key] ?? "").toWellFormed())}`;
    const length = header.length + member.length + (members > 0 ? 1 : 0);
    if (length > maxBaggageBytes || members === maxBaggageMembers) continue;
    header = members === 0 ? member : `${header},${member}`;
    members++;
  }
  return header;
}
