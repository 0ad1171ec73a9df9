// Everything generated code may name, whether compiled at run time or ahead of it.
import { fail } from "./fault.ts";
import { readText } from "./read-text.ts";
import * as read from "./wire-read.ts";
import * as write from "./wire-write.ts";

const because = (reason: string) => (): never => fail(reason);

/** By name. A codec written ahead of time names these too, so none is renamed or changed in meaning without `runtimeVersion`. */
export const runtime: Readonly<Record<string, unknown>> = Object.freeze({
  ...read,
  ...write,
  readText,
  noBytes: new Uint8Array(0),
  wrongValue: because("a value of the wrong type"),
  tooShort: because("the bytes end in the middle of a value"),
  tooDeep: because("messages nested deeper than maxDepth allows"),
  missing: because("a required message is missing"),
  mergeNeeded: because("a message that comes twice"),
});

/** Part of every fingerprint: a codec written ahead of time for another version is not used. */
export const runtimeVersion = 1;
