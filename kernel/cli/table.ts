/** Rows in columns of equal width, two spaces between; the last column is left as it is. Text without styles. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = widthsOf(rows);
  return rows.map((row) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("  "),
  );
}

/** What becomes of a column where a table is too wide: it goes below its row, indented, or is left out. */
export interface Giving {
  readonly column: number;
  readonly goes: "below" | "out";
}

/** A head, and rows of one line or more. */
export interface Table {
  readonly head: string;
  readonly rows: readonly (readonly string[])[];
}

/** A table that fits into a width, as {@link fitted}. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
  giving: readonly Giving[],
): Table {
  const [[first = ""] = [], ...others] = fitted([head, ...rows], width, giving);
  return { head: first, rows: others };
}

/**
 * Rows in columns, each as its lines: columns give way in the order of `giving` until the rest is no wider than `width`.
 * Without a width, as where nobody looks, all stay. Text without styles.
 */
export function fitted(
  rows: readonly (readonly string[])[],
  width: number | undefined,
  giving: readonly Giving[],
): readonly (readonly string[])[] {
  const widths = widthsOf(rows);
  const gone = new Map<number, Giving["goes"]>();
  for (const { column, goes } of giving) {
    if (width === undefined || totalOf(widths.filter((_, index) => !gone.has(index))) <= width) break;
    gone.set(column, goes);
  }
  const lines = columns(rows.map((row) => row.filter((_, index) => !gone.has(index))));
  return rows.map((row, at) => {
    const below = row.filter((cell, index) => cell !== "" && gone.get(index) === "below").join("; ");
    return [(lines[at] ?? "").trimEnd(), ...wrapped(below, (width ?? 0) - indent.length).map((line) => indent + line)];
  });
}

const indent = "    ";

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return widths;
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one, 2 * (widths.length - 1));
}

/** Lines no longer than a width, broken between words only, so that ids and names stay whole. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
