import type { JSX } from "preact";
import { desk } from "./desk.tsx";
import { garden } from "./garden.tsx";
import { kitchen } from "./kitchen.tsx";
import { light } from "./light.tsx";
import { living } from "./living.tsx";
import { workshop } from "./workshop.tsx";

const pictures: Readonly<Record<string, () => JSX.Element>> = {
  ...light,
  ...kitchen,
  ...desk,
  ...living,
  ...workshop,
  ...garden,
};

const grounds = [light, kitchen, desk, living, workshop, garden];
const tints = ["#f4e6cc", "#e3e8dc", "#e6e2ec", "#eedfd4", "#dde6e9", "#e2ebd8"];

/** The picture of a product, drawn on the tint of its family. */
export function Art({ image, class: name = "" }: { readonly image: string; readonly class?: string }) {
  const draw = pictures[image];
  const family = grounds.findIndex((pictures) => image in pictures);
  return (
    <svg class={`art ${name}`} viewBox="0 0 200 200" style={`--tint:${tints[family] ?? "#ece7da"}`} aria-hidden="true">
      <g class="art-picture">{draw ? draw() : <Unknown />}</g>
    </svg>
  );
}

function Unknown() {
  return <circle cx="100" cy="100" r="34" fill="none" stroke="#9a917c" stroke-width="8" stroke-dasharray="12 10" />;
}
