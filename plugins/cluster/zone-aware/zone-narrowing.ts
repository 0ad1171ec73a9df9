import { type CallSite, type Instance, policyFields, type Random, StatusError } from "@mortise/kernel";
import { type Narrow, untried } from "@mortise/kernel/spi/retrying";
import { z } from "zod";
import { type Nearness, nearness, type Place } from "./places.ts";

export const zonePolicy = policyFields({
  zoneForce: z.boolean().default(false).describe("Refuse a call that has no instance in its zone"),
  zoneWeights: z
    .record(z.string(), z.number().nonnegative())
    .default({})
    .describe("Share of the calls that find nobody near, by zone or registry; default 100 each"),
});

/** The baggage entry that overrides the caller's own zone. */
const zoneName = "zone";

/** Zones remembered per list of candidates; requests may bring any. */
const zonesKept = 64;

/**
 * Chooses among the candidates a call has not tried: those of a preferred registry, else those of its zone, else those of one
 * place drawn by weight (Dubbo's order). Instances far away are tried when those before them are used up, unless the zone is forced.
 */
export function zoneNarrowing(site: CallSite, own: string, random: Random): Narrow {
  const { zoneForce, zoneWeights } = zonePolicy.of(site);
  const known = new WeakMap<readonly Instance[], Map<string, Nearness>>();

  function nearnessOf(candidates: readonly Instance[], zone: string): Nearness {
    const byZone = known.get(candidates) ?? new Map<string, Nearness>();
    const before = byZone.get(zone);
    if (before) return before;
    const made = nearness(candidates, zone, zoneWeights);
    if (byZone.size >= zonesKept) byZone.delete(byZone.keys().next().value as string);
    known.set(candidates, byZone.set(zone, made));
    return made;
  }

  return (candidates, tried, { context, method }) => {
    const zone = context.baggage[zoneName] ?? own;
    const { preferred, near, places } = nearnessOf(candidates, zone);
    if (hasUntried(preferred, tried)) return untried(preferred, tried);
    if (hasUntried(near, tried)) return untried(near, tried);
    if (zoneForce && zone !== "") return forced([...preferred, ...near], zone, method.service);
    const open = tried.length === 0 ? places : places.filter(({ members }) => hasUntried(members, tried));
    const place = drawn(open.length > 0 ? open : places, random);
    return untried(place.members, tried);
  };
}

function forced(left: readonly Instance[], zone: string, service: string): readonly Instance[] {
  if (left.length > 0) return left;
  throw new StatusError("UNAVAILABLE", `${service} has no instance in zone ${zone}, which this call must not leave`, {
    reason: "NO_INSTANCE_IN_ZONE",
    neverSent: true,
  });
}

function hasUntried(instances: readonly Instance[], tried: readonly Instance[]): boolean {
  if (tried.length === 0) return instances.length > 0;
  return instances.some(({ id }) => !tried.some((one) => one.id === id));
}

/** A place in proportion to weight; those of weight 0 only if there are no others. */
function drawn(places: readonly Place[], random: Random): Place {
  let total = 0;
  for (const { weight } of places) total += weight;
  let point = random() * (total || places.length);
  for (const place of places) {
    point -= total === 0 ? 1 : place.weight;
    if (point < 0) return place;
  }
  return places.at(-1) as Place;
}
