import type { BusMessage, DeadLetter, Delivery } from "@mortise/kernel";
import { headers, type Msg, type MsgHdrs, type StoredMsg } from "nats";

/** Header names that are not the event's own. */
const own = /^(nats|mortise)-/i;
const keyHeader = "Mortise-Key";
const idHeader = "Mortise-Id";
const errorHeader = "Mortise-Error";
const attemptHeader = "Mortise-Attempt";

/** The headers of a message on the wire: the event's own beside its key and id. */
export function toHeaders({ id, key, headers: given }: BusMessage): MsgHdrs {
  const all = headers();
  all.set(idHeader, escapeText(id));
  if (key !== undefined) all.set(keyHeader, escapeText(key));
  for (const [name, value] of Object.entries(given)) all.set(escapeName(name), escapeText(value));
  return all;
}

/** What came in, as the event it is. One that was not published by us gets its number in the stream as its id. */
export function toDelivery(
  topic: string,
  message: Pick<Msg, "data" | "headers">,
  attempt: number,
  sequence: number,
): Delivery {
  const { headers: all, data } = message;
  const names = (all?.keys() ?? []).filter((name) => !own.test(name));
  const given = names.map((name) => [unescapeText(name), unescapeText(all?.get(name) ?? "")]);
  return {
    id: unescapeText(all?.get(idHeader) ?? "") || String(sequence),
    ...(all?.has(keyHeader) && { key: unescapeText(all.get(keyHeader)) }),
    body: data.slice(),
    headers: Object.fromEntries(given),
    topic,
    attempt,
  };
}

/** The headers of a dead letter: those of the message and why it was given up on. */
export function toDeadHeaders(delivery: Delivery, error: string): MsgHdrs {
  const all = toHeaders(delivery);
  all.set(errorHeader, escapeText(error));
  all.set(attemptHeader, String(delivery.attempt));
  return all;
}

/** A message of the stream of dead letters, as what it was. */
export function toDeadLetter(topic: string, group: string, { header, data, seq }: StoredMsg): DeadLetter {
  const delivery = toDelivery(topic, { data, headers: header }, Number(header.get(attemptHeader)), seq);
  return { ...delivery, group, error: unescapeText(header.get(errorHeader)) };
}

/** The id as the server compares it, to drop what it has seen before. */
export function messageId(id: string): string {
  return escapeText(id);
}

/** NATS headers are lines of text and lose white space at their ends: what is not visible ASCII becomes %XX. */
export function escapeText(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x24\x26-\x7e]+/gu, encodeURIComponent);
}

/** Headers of others may hold a % that is none of ours. */
export function unescapeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A name of the event never looks like one of the server's or of this plugin's. */
function escapeName(name: string): string {
  const safe = name.toWellFormed().replace(/[^\w.-]+/gu, escapeAll);
  return own.test(safe) ? `${escapeAll(safe.charAt(0))}${safe.slice(1)}` : safe;
}

function escapeAll(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}
