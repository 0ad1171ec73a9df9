/** Receives what is wrong: where, below the value that is checked, and what. */
export type Report = (path: string, problem: string) => void;

/** Whether a value is right. Without `report` it stops at the first problem; with one it tells all. */
export type Check = (value: unknown, report?: Report) => boolean;

export function leaf(holds: (value: never) => boolean, problem: string): Check {
  const test = holds as (value: unknown) => boolean;
  return (value, report) => {
    if (test(value)) return true;
    report?.("", problem);
    return false;
  };
}

/** Every one of them holds. */
export function all(checks: readonly Check[]): Check {
  const [only] = checks;
  if (only && checks.length === 1) return only;
  return (value, report) => {
    let right = true;
    for (const check of checks) {
      if (check(value, report)) continue;
      if (!report) return false;
      right = false;
    }
    return right;
  };
}

/** The value is an object whose properties hold. */
export function properties(entries: readonly (readonly [name: string, check: Check])[]): Check {
  return (value, report) => {
    if (typeof value !== "object" || value === null) {
      report?.("", "must be a message");
      return false;
    }
    let right = true;
    for (const [name, check] of entries) {
      const held = (value as Readonly<Record<string, unknown>>)[name];
      if (check(held, report && below(`.${name}`, report))) continue;
      if (!report) return false;
      right = false;
    }
    return right;
  };
}

/** The value, if there is one, holds. */
export function ifPresent(check: Check): Check {
  return (value, report) => value === undefined || check(value, report);
}

/** The value is a list all of whose items hold. */
export function items(check: Check): Check {
  return (value, report) => {
    if (!Array.isArray(value)) {
      report?.("", "must be a list");
      return false;
    }
    let right = true;
    for (let i = 0; i < value.length; i++) {
      if (check(value[i], report && below(`[${i}]`, report))) continue;
      if (!report) return false;
      right = false;
    }
    return right;
  };
}

/** The value is a Map whose keys and values hold. */
export function entries(key: Check, check: Check): Check {
  return (value, report) => {
    if (!(value instanceof Map)) {
      report?.("", "must be a Map");
      return false;
    }
    let right = true;
    for (const [name, held] of value) {
      const at = report && below(`[${JSON.stringify(String(name))}]`, report);
      if (key(name, at) && check(held, at)) continue;
      if (!report) return false;
      right = false;
    }
    return right;
  };
}

/** The value is `{ $case, value }` and the member it names holds, or there is none. */
export function cases(members: ReadonlyMap<string, Check>): Check {
  return (value, report) => {
    if (value === undefined) return true;
    const chosen = value as { readonly $case?: unknown; readonly value?: unknown } | null;
    const check = typeof chosen === "object" ? members.get(chosen?.$case as string) : undefined;
    if (check) return check(chosen?.value, report && below(`.${String(chosen?.$case)}`, report));
    report?.("", `must be { $case, value } with $case one of ${[...members.keys()].join(", ")}`);
    return false;
  };
}

function below(prefix: string, report: Report): Report {
  return (path, problem) => report(prefix + path, problem);
}
