import { decodeBaggage, encodeBaggage, noBaggage } from "./baggage.ts";
import type { Baggage, Caller, ContextChanges } from "./context.ts";
import { type Metadata, mergeMetadata, metadata, noMetadata } from "./metadata.ts";

/** One value of this process, in a chain of them. */
export interface Slot {
  readonly symbol: symbol;
  readonly value: unknown;
  readonly next: Slot | undefined;
}

/** What a context knows apart from time, trace and cancellation. Most children change nothing of it and share it. */
export interface Facts {
  /** A string is the header as it came, decoded when read. */
  readonly baggage: Baggage | string;
  readonly tenant: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** Whether the key belongs to the request being handled, so that calls made for it must not send it. */
  readonly keyReceived: boolean;
  readonly caller: Caller | undefined;
  readonly incoming: Metadata;
  readonly outgoing: Metadata;
  readonly onHeaders: ((headers: Metadata) => void) | undefined;
  readonly onTrailers: ((trailers: Metadata) => void) | undefined;
  readonly slots: Slot | undefined;
}

export const noFacts: Facts = Object.freeze({
  baggage: noBaggage,
  tenant: undefined,
  idempotencyKey: undefined,
  keyReceived: false,
  caller: undefined,
  incoming: noMetadata,
  outgoing: noMetadata,
  onHeaders: undefined,
  onTrailers: undefined,
  slots: undefined,
});

/** The same object when the changes touch none of it. */
export function changedFacts(facts: Facts, changes: ContextChanges): Facts {
  const { metadata: more, baggage, tenant, idempotencyKey, caller, onHeaders, onTrailers } = changes;
  if (!(more || baggage || caller || onHeaders || onTrailers) && tenant === undefined && idempotencyKey === undefined)
    return facts;
  return {
    baggage: baggage ?? facts.baggage,
    tenant: tenant ?? facts.tenant,
    idempotencyKey: idempotencyKey ?? facts.idempotencyKey,
    keyReceived: idempotencyKey === undefined && facts.keyReceived,
    caller: caller ?? facts.caller,
    incoming: facts.incoming,
    outgoing: more ? mergeMetadata(facts.outgoing, metadata(more)) : facts.outgoing,
    onHeaders: onHeaders ?? facts.onHeaders,
    onTrailers: onTrailers ?? facts.onTrailers,
    slots: facts.slots,
  };
}

/** What the server sees of a call made with these facts: what was sent has come in, what belongs to the process is gone. */
export function receivedFacts({ baggage, tenant, caller, outgoing, keyReceived, idempotencyKey }: Facts): Facts {
  return {
    baggage,
    tenant,
    idempotencyKey: keyReceived ? undefined : idempotencyKey,
    keyReceived: true,
    caller,
    incoming: outgoing,
    outgoing: noMetadata,
    onHeaders: undefined,
    onTrailers: undefined,
    slots: undefined,
  };
}

/** What a handler hands on: nothing of what was meant for the request itself. */
export function handlerFacts(facts: Facts): Facts {
  if (facts.keyReceived && facts.outgoing === noMetadata && !facts.onHeaders && !facts.onTrailers) return facts;
  return { ...facts, keyReceived: true, outgoing: noMetadata, onHeaders: undefined, onTrailers: undefined };
}

/** What a call made with these facts sends: a key that was received stays behind. */
export function sentFacts(facts: Facts): Facts {
  if (!facts.keyReceived || facts.idempotencyKey === undefined) return facts;
  return { ...facts, idempotencyKey: undefined, keyReceived: false };
}

export function baggageOf(facts: Facts): Baggage {
  if (typeof facts.baggage !== "string") return facts.baggage;
  const baggage = decodeBaggage(facts.baggage);
  (facts as { baggage: Baggage }).baggage = baggage; // decoded once for all that share it
  return baggage;
}

/** The `baggage` header; empty for none. */
export function baggageHeaderOf({ baggage }: Facts): string {
  if (baggage === noBaggage) return "";
  return typeof baggage === "string" ? baggage : encodeBaggage(baggage);
}
