import { join } from "node:path";

/** How a step of a generated plan stands to the rest. */
interface Shape {
  readonly place: "main" | "pivot" | "late";
  readonly participant: number;
  /** What it does about each earlier step: nothing, it waits for it, or it also uses its output. */
  readonly links: readonly ("none" | "after" | "uses")[];
}

const places = ["main", "pivot", "late"] as const;
const links = ["none", "after", "uses"] as const;
const names = ["a", "b", "c"] as const;
const needs = ["full", "locked", "reserved", "none"].flatMap((isolation) =>
  ["final", "accepted"].map((reply) => `{ isolation: "${isolation}", reply: "${reply}" }`),
);

/** Everything an operation can declare that rules look at: 16 kinds. */
const kinds = [false, true].flatMap((undo) =>
  [false, true].flatMap((rejects) =>
    ["local", "external"].flatMap((acts) => [false, true].map((long) => ({ undo, rejects, acts, long }))),
  ),
);

/** All graphs of so many steps: where they stand, whom they belong to, and what they wait for. */
function shapes(count: number): Shape[][] {
  let found: Shape[][] = [[]];
  for (let index = 0; index < count; index++) {
    found = found.flatMap((before) => nextSteps(before).map((step) => [...before, step]));
  }
  return found.filter((steps) => steps.some(({ place }) => place !== "late"));
}

function nextSteps(before: readonly Shape[]): Shape[] {
  const used = new Set(before.map(({ participant }) => participant)).size;
  const waits = before.reduce<(typeof links)[number][][]>(
    (all) => all.flatMap((one) => links.map((link) => [...one, link])),
    [[]],
  );
  return places.flatMap((place) =>
    Array.from({ length: used + 1 }, (_, participant) => participant).flatMap((participant) =>
      waits.map((link): Shape => ({ place, participant, links: link })).filter((step) => mayFollow(step, before)),
    ),
  );
}

function mayFollow({ place, links }: Shape, before: readonly Shape[]): boolean {
  if (place === "pivot" && before.some((step) => step.place === "pivot")) return false;
  return place === "late" || before.every((step, index) => step.place !== "late" || links[index] === "none");
}

/** Numbers that look random and are the same in every run. */
function mixer(): (count: number) => number {
  let state = 12_345;
  return (count) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % count;
  };
}

function planSource(index: number, steps: readonly Shape[], pick: (count: number) => number): string {
  const lines = steps.map(({ place, participant, links: waits }, at) => {
    const others = (kind: string) => names.slice(0, at).filter((_, other) => waits[other] === kind);
    const how = [
      place === "pivot" ? "pivot: true" : place === "late" ? "afterCommit: true" : "",
      pick(2) === 0 ? "droppable: true" : "",
      others("uses").length > 0 ? `uses: ${JSON.stringify(others("uses"))}` : "",
      others("after").length > 0 ? `after: ${JSON.stringify(others("after"))}` : "",
    ].filter(Boolean);
    const options = how.length > 0 ? `, { ${how.join(", ")} }` : "";
    return `.step("${names[at]}", P${participant}.operations.o${pick(kinds.length)}, same${options})`;
  });
  const need = needs[pick(needs.length)];
  return `export const t${index} = transaction("t${index}", { input: M, needs: ${need}, plan: (p) => p${lines.join("")} });`;
}

/** A module that declares plans of every graph of at most three steps, with all that operations and steps can declare. */
export function plansModule(repeats: readonly [one: number, two: number, three: number]): string {
  const door = join(import.meta.dirname, "../../contract/index.ts");
  const operations = kinds.map(({ undo, rejects, acts, long }, index) => {
    const facts = `{ undo: ${undo}, rejects: [${rejects ? '"NO"' : ""}], acts: "${acts}", long: ${long} }`;
    return `o${index}: operation(M, M, ${facts})`;
  });
  const pick = mixer();
  const graphs = repeats.flatMap((repeat, index) => {
    const all = shapes(index + 1);
    return Array.from({ length: repeat }, () => all).flat();
  });
  return [
    `import { message, operation, operations, string, transaction } from ${JSON.stringify(door)};`,
    'const M = message("test.v1.M", { text: string(1) });',
    'const same = () => ({ text: "" });',
    ...[0, 1, 2].map((at) => `const P${at} = operations("test.v1.P${at}", { ${operations.join(", ")} });`),
    ...graphs.map((steps, index) => planSource(index, steps, pick)),
  ].join("\n");
}
