/** One condition: a parameter and the values it must, or must not, have. */
export interface Condition {
  readonly name: string;
  readonly values: readonly string[];
  readonly negated: boolean;
}

/** `calls => instances`: calls that fulfil the left side go to instances that fulfil the right. */
export interface Rule {
  readonly calls: readonly Condition[];
  /** Nothing: such calls are refused. */
  readonly instances: readonly Condition[] | undefined;
}

/** Gives the value of a parameter, or nothing if there is none of that name. */
export type Parameters = (name: string) => string | undefined;

/**
 * Parses a rule in Dubbo's syntax, `method=getStock & tags[gray]!=yes => zone=hangzhou,shanghai`. An empty left side fits every call;
 * an empty right side, or `false`, fits no instance. Throws a SyntaxError that says at which character the rule is wrong.
 */
export function parseRule(text: string): Rule {
  const arrow = text.indexOf("=>");
  if (arrow < 0) throw new SyntaxError(`rule "${text}" has no "=>": write <calls> => <instances>`);
  const right = text.slice(arrow + 2).trim();
  return {
    calls: parseSide(text, 0, arrow),
    instances: right === "" || right === "false" ? undefined : parseSide(text, arrow + 2, text.length),
  };
}

function parseSide(text: string, from: number, to: number): readonly Condition[] {
  if (text.slice(from, to).trim() === "") return [];
  const conditions: Condition[] = [];
  let at = from;
  for (const part of text.slice(from, to).split("&")) {
    conditions.push(parseCondition(text, part, at));
    at += part.length + 1;
  }
  return conditions;
}

function parseCondition(text: string, part: string, at: number): Condition {
  const match = /^\s*([\w.-]+(?:\[[\w.-]+\])?)\s*(!=|=)\s*(.*?)\s*$/.exec(part);
  const [, name = "", operator, list = ""] = match ?? [];
  const values = list.split(",").map((value) => value.trim());
  if (!match || values.some((value) => value === "" || /[=\s]/.test(value))) {
    throw new SyntaxError(
      `rule "${text}", character ${at + 1}: "${part.trim()}" is no condition; write name=value, name!=value or name=a,b`,
    );
  }
  return { name, values, negated: operator === "!=" };
}

/** Whether all conditions hold. A `$name` among the values stands for the other side's parameter of that name. */
export function holds(conditions: readonly Condition[], own: Parameters, other: Parameters): boolean {
  return conditions.every(({ name, values, negated }) => {
    const value = own(name);
    if (value === undefined) return negated;
    return (
      values.some((pattern) => fits(value, pattern.startsWith("$") ? (other(pattern.slice(1)) ?? "") : pattern)) !==
      negated
    );
  });
}

/** A pattern is a value, a value with one `*`, or a range `from~to` of whole numbers, either end of which may be missing. */
function fits(value: string, pattern: string): boolean {
  const range = /^(-?\d*)~(-?\d*)$/.exec(pattern);
  if (range && pattern !== "~") {
    const [, from = "", to = ""] = range;
    const number = Number(value);
    return Number.isFinite(number) && (from === "" || number >= Number(from)) && (to === "" || number <= Number(to));
  }
  const star = pattern.indexOf("*");
  if (star < 0) return value === pattern;
  const head = pattern.slice(0, star);
  const tail = pattern.slice(star + 1);
  return value.length >= head.length + tail.length && value.startsWith(head) && value.endsWith(tail);
}
