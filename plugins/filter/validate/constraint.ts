import type { Field, MessageType } from "@mortise/kernel";
import { all, type Check, cases, entries, ifPresent, items, properties } from "./check.ts";
import { type Constraint, checksOf } from "./rules.ts";

/** Constraints by the path of the field: `lines.quantity` is about the quantity of every line. */
export type Constraints = Readonly<Record<string, Constraint>>;

/** Compiles constraints for one message. Throws a TypeError that names a path or rule that does not fit the message. */
export function constraintsOf(type: MessageType, constraints: Constraints): Check {
  const root = branch();
  for (const [path, rules] of Object.entries(constraints)) leafOf(root, path.split(".")).rules = rules;
  return messageCheck(type, root, "");
}

/** The constraint of a field, and those of the fields below it. */
interface Branch {
  rules: Constraint;
  readonly below: Map<string, Branch>;
}

function branch(): Branch {
  return { rules: {}, below: new Map() };
}

function leafOf(root: Branch, path: readonly string[]): Branch {
  let at = root;
  for (const name of path) {
    const next = at.below.get(name) ?? branch();
    at.below.set(name, next);
    at = next;
  }
  return at;
}

function messageCheck(type: MessageType, { below }: Branch, prefix: string): Check {
  const plain: [string, Check][] = [];
  const oneofs = new Map<string, Map<string, Check>>();
  for (const [name, branch] of below) {
    const field = fieldOf(type, name, prefix + name);
    const check = fieldCheck(field, branch, prefix + name);
    if (field.oneof === undefined) plain.push([name, check]);
    else oneofs.set(field.oneof, (oneofs.get(field.oneof) ?? new Map<string, Check>()).set(name, check));
  }
  return properties([...plain, ...[...oneofs].map(([name, members]): [string, Check] => [name, anyCase(members)])]);
}

function fieldOf(type: MessageType, name: string, path: string): Field {
  const field = type.fields.find((one) => one.name === name);
  if (field) return field;
  const names = type.fields.map((one) => one.name).join(", ");
  throw new TypeError(`validate: "${path}" is no field; ${type.name} has ${names || "none"}`);
}

function fieldCheck(field: Field, at: Branch, path: string): Check {
  const { whole, each } = checksOf(field, at.rules, path);
  const single = at.below.size === 0 ? each : [...each, below(field, at, path)];
  if (single.length === 0) return all(whole);
  const check = all(single);
  if (field.repeated) return all([...whole, items(check)]);
  return all([...whole, field.mapKey === undefined ? ifPresent(check) : entries(() => true, check)]);
}

function below({ type }: Field, at: Branch, path: string): Check {
  if (type.kind !== "message") throw new TypeError(`validate: "${path}" is no message and has no fields`);
  return messageCheck(type.message(), at, `${path}.`);
}

/** A member of a oneof that has no constraint is right. */
function anyCase(members: ReadonlyMap<string, Check>): Check {
  const constrained = cases(members);
  return (value, report) => {
    const chosen = (value as { readonly $case?: string } | undefined)?.$case;
    return chosen === undefined || !members.has(chosen) || constrained(value, report);
  };
}
