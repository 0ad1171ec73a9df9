import type { Method } from "../contract/types.ts";

/** What a policy is for. */
export interface PolicyTarget {
  matches(method: Method): boolean;
  /** Whether it is for methods, `<service>/<method>`. */
  readonly namesMethod: boolean;
  /** Higher is more specific. */
  readonly weight: number;
}

const name = /^[A-Za-z_*][\w*]*(\.[A-Za-z_*][\w*]*)*(\/[A-Za-z_*][\w*]*)?$/;

/** Whether this can stand for services or methods: `*`, `shop.*`, `shop.order.v1.Orders`, `shop.order.v1.Orders/place`. */
export function isPolicyTarget(target: string): boolean {
  return name.test(target);
}

/**
 * Reads a target: a service or topic, or `<service>/<method>` with the method's name in TypeScript or on the wire. A `*`
 * stands for any characters. Throws a TypeError when it is none.
 */
export function parseTarget(target: string): PolicyTarget {
  if (!isPolicyTarget(target))
    throw new TypeError(
      `"${target}" is nothing a policy can be for; write "*", a service (shop.order.v1.Orders), a pattern (shop.*) or a method (shop.order.v1.Orders/place)`,
    );
  const slash = target.indexOf("/");
  const ofService = pattern(slash < 0 ? target : target.slice(0, slash));
  const ofMethod = slash < 0 ? undefined : pattern(target.slice(slash + 1));
  return {
    matches: (method) => matches(method, ofService, ofMethod),
    namesMethod: ofMethod !== undefined,
    weight:
      slash < 0
        ? specificity(target)
        : 1000 * specificity(target.slice(slash + 1)) + 1000 + specificity(target.slice(0, slash)),
  };
}

function matches(method: Method, ofService: RegExp, ofMethod: RegExp | undefined): boolean {
  if (method.kind === "event" && !ofMethod) return ofService.test(`${method.service}.${method.wireName}`);
  if (!ofService.test(method.service)) return false;
  return !ofMethod || ofMethod.test(method.name) || ofMethod.test(method.wireName);
}

function pattern(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.]/g, "\\.").replace(/\*+/g, ".*")}$`);
}

/** An exact name is above every pattern; among patterns the one with more letters of its own. */
function specificity(text: string): number {
  return text.includes("*") ? Math.min(text.replace(/\*/g, "").length, 998) : 999;
}
