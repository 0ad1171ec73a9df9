import type { System } from "./transition.ts";

/** The SPIs that other plugins serve, or under other names or in another order, in the second system than in the first. */
export function changedSpis(before: System, next: System): string[] {
  const spis = new Set([...before.plan.serving.keys(), ...next.plan.serving.keys()]);
  return [...spis].filter((spi) => !same(serving(before, spi), serving(next, spi)));
}

/** What serves an SPI: names and running plugins in turn. */
function serving({ plan, units }: System, spi: string): unknown[] {
  return (plan.serving.get(spi) ?? []).flatMap(({ alias, step }) => [alias, units.get(step)]);
}

function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
