import type { MessageLayout } from "./layout.ts";
import { scalarRules } from "./scalars.ts";

type Fields = Record<string, unknown>;

/** What a value with nothing in it is copied from: zero, empty or undefined. */
interface Template {
  readonly fields: Fields;
  readonly lists: readonly string[];
  readonly maps: readonly string[];
}

const templates = new WeakMap<MessageLayout, Template>();

function templateOf(layout: MessageLayout): Template {
  const names = (kind: string) => layout.properties.filter((unit) => unit.kind === kind).map(({ name }) => name);
  const fields = layout.properties.map((unit) => {
    const zero = unit.kind === "single" && unit.scalar && unit.field.presence === "implicit";
    return [unit.name, zero ? scalarRules[unit.scalar].zero() : undefined];
  });
  return { fields: Object.fromEntries(fields), lists: names("list"), maps: names("map") };
}

/** A value with nothing in it, every property present. */
export function emptyValue(layout: MessageLayout): Fields {
  let template = templates.get(layout);
  if (!template) {
    template = templateOf(layout);
    templates.set(layout, template);
  }
  const value = { ...template.fields };
  for (const name of template.lists) value[name] = [];
  for (const name of template.maps) value[name] = new Map();
  return value;
}
