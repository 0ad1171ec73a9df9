import type { MetadataValue } from "../call/metadata.ts";

/** How texts that HTTP would change are told to peers that can undo it. */
export const shapesHeader = "mortise-shapes";

/** Longer texts than any header may be are not made up for a peer that claims them. */
const maxText = 65_536;

/** The texts of one name as HTTP carries them: joined, without spaces at the ends. */
export interface JoinedText {
  readonly sent: string;
  /** What undoes that: `1.5` for two texts of these lengths, `7@2` for one with two spaces in front; nothing to undo without it. */
  readonly shape: string | undefined;
}

export function joinTexts(values: readonly MetadataValue[]): JoinedText {
  const text = values.join(", ");
  const sent = text.trim();
  const changed = values.length > 1 || sent.length < text.length;
  return { sent, shape: changed ? shapeOf(values, text) : undefined };
}

function shapeOf(values: readonly MetadataValue[], text: string): string {
  const front = text.length - text.trimStart().length;
  return `${values.map((value) => value.length).join(".")}${front > 0 ? `@${front}` : ""}`;
}

/** What undoes the changes to one text. */
export interface TextShape {
  readonly lengths: readonly number[];
  readonly front: number;
}

/** Reads `name=shape,…`; nothing for anything that is no text. */
export function parseShapes(header: unknown): ReadonlyMap<string, TextShape> {
  if (typeof header !== "string") return new Map();
  return new Map(
    header.split(",").map((entry) => {
      const at = entry.indexOf("=");
      const [lengths = "", front = "0"] = entry.slice(at + 1).split("@");
      return [entry.slice(0, at), { lengths: lengths.split(".").map(Number), front: Number(front) }];
    }),
  );
}

/** Undoes the changes; gives the text as it came when the shape does not fit it. */
export function splitText(text: string, { lengths, front }: TextShape): readonly string[] {
  const total = lengths.reduce((sum, length) => sum + length, 2 * (lengths.length - 1));
  if (!(front >= 0 && front + text.length <= total && total <= maxText)) return [text];
  const whole = (" ".repeat(front) + text).padEnd(total);
  let at = 0;
  return lengths.map((length) => {
    const part = whole.slice(at, at + length);
    at += length + 2;
    return part;
  });
}
