import {
  type CallContext,
  contextHeaderNames,
  eachHeader,
  type Metadata,
  type MetadataValue,
  noMetadata,
} from "@mortise/kernel";
import type { HessianValue } from "@mortise/kernel/hessian";
import { ReceivedMetadata } from "./headers.ts";
import { statusAttachments } from "./java-errors.ts";
import type { JavaMethod } from "./java-method.ts";

/** What requests and responses carry beside arguments and result. */
export type Attachments = Map<string, HessianValue>;
export type ReceivedAttachments = ReadonlyMap<HessianValue, HessianValue>;

const trailerPrefix = "mortise-trailer.";

/** What belongs to Dubbo or this plugin and is not shown to handlers and callers. */
const hidden: ReadonlySet<string> = new Set([
  "path",
  "interface",
  "version",
  "group",
  "timeout",
  "timeout-countdown",
  "dubbo",
  "_to",
  "async",
  "generic",
  "input",
  "output",
  contextHeaderNames.timeout,
  ...Object.values(statusAttachments),
]);

/** The attachments of a request: what Dubbo asks for, then headers and context. */
export function requestAttachments(java: JavaMethod, context: CallContext, leftMs: number): Attachments {
  const attachments: Attachments = new Map<string, HessianValue>([
    ["path", java.interface],
    ["interface", java.interface],
  ]);
  if (java.group !== "") attachments.set("group", java.group);
  if (java.version !== "") attachments.set("version", java.version);
  if (leftMs !== Number.POSITIVE_INFINITY) attachments.set("timeout", String(Math.ceil(leftMs)));
  eachHeader(context, (name, value) => add(attachments, name, value));
  return attachments;
}

/** The attachments of a response: headers as they are, trailers under names of their own. */
export function replyAttachments(headers: Metadata, trailers: Metadata): Attachments {
  const attachments: Attachments = new Map();
  for (const [prefix, metadata] of [
    ["", headers],
    [trailerPrefix, trailers],
  ] as const) {
    for (const name of metadata.names())
      for (const value of metadata.getAll(name)) add(attachments, prefix + name, value);
  }
  return attachments;
}

/** Several values of a name are a list. */
function add(attachments: Attachments, name: string, value: MetadataValue): void {
  const known = attachments.get(name);
  if (known === undefined) attachments.set(name, value);
  else if (Array.isArray(known)) known.push(value);
  else attachments.set(name, [known, value]);
}

/** The headers among the attachments of a request or response. */
export function headersOf(attachments: ReceivedAttachments): Metadata {
  return metadataOf(attachments, (name) => (name.startsWith(trailerPrefix) || hidden.has(name) ? undefined : name));
}

/** The trailers among the attachments of a response. */
export function trailersOf(attachments: ReceivedAttachments): Metadata {
  return metadataOf(attachments, (name) =>
    name.startsWith(trailerPrefix) ? name.slice(trailerPrefix.length) : undefined,
  );
}

function metadataOf(attachments: ReceivedAttachments, nameOf: (name: string) => string | undefined): Metadata {
  const values = new Map<string, readonly MetadataValue[]>();
  for (const [key, value] of attachments) {
    const name = typeof key === "string" ? nameOf(key.toLowerCase()) : undefined;
    if (name === undefined || !/^[0-9a-z_.-]+$/.test(name)) continue;
    const list = (Array.isArray(value) ? value : [value]).flatMap((one) => shown(name, one));
    if (list.length > 0) values.set(name, list);
  }
  return values.size === 0 ? noMetadata : new ReceivedMetadata(values);
}

function shown(name: string, value: HessianValue): MetadataValue[] {
  if (name.endsWith("-bin")) return value instanceof Uint8Array ? [value] : [];
  if (typeof value === "string") return [value];
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? [String(value)] : [];
}

/** What is left of the deadline as the caller has told it, in milliseconds. */
export function timeoutOf(attachments: ReceivedAttachments): number | undefined {
  for (const name of ["_TO", "_to", "timeout"]) {
    const value = attachments.get(name);
    const ms = typeof value === "string" ? Number(value) : typeof value === "bigint" ? Number(value) : value;
    if (typeof ms === "number" && ms > 0) return ms;
  }
  return undefined;
}

/** An attachment of Dubbo's own; empty where it is missing. */
export function textAttachment(attachments: ReceivedAttachments, name: string): string {
  const value = attachments.get(name);
  return typeof value === "string" ? value : "";
}
