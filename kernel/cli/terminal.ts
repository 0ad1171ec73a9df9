import { styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];

/** Where a command writes: what was asked for to `out`, everything else to `err`. Colours only where they are shown. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** How many signs a line of `out` takes; undefined where that is no terminal, and nothing is made to fit. */
  readonly width?: number | undefined;
  styled(style: Style, text: string): string;
  styledErr(style: Style, text: string): string;
}

/** The terminal of this process; NO_COLOR and FORCE_COLOR are heeded. */
export const systemTerminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  get width() {
    return process.stdout.isTTY ? process.stdout.columns : undefined;
  },
  err: (text) => void process.stderr.write(`${text}\n`),
  styled: (style, text) => styleText(style, text, { stream: process.stdout }),
  styledErr: (style, text) => styleText(style, text, { stream: process.stderr }),
};
