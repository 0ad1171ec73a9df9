import type { Acted } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import type { Terminal } from "../terminal.ts";

/** What was named: one transaction, or all of a name or strategy. */
export interface Named {
  readonly name?: string | undefined;
  readonly strategy?: string | undefined;
}

/** Prints what was done about transactions, and which of them nobody takes on all the same. */
export function showActed(
  { out }: Pick<Terminal, "out">,
  what: string,
  { gids, outboxRows, paused }: Infer<typeof Acted>,
  named: Named = {},
): void {
  const rows = outboxRows === 1 ? "1 row of the outbox" : `${outboxRows} rows of the outbox`;
  const acted = gids.filter((gid) => !paused.includes(gid));
  if (acted.length > 0 || paused.length === 0)
    out(`${counted(acted)} ${what}${outboxRows > 0 ? `, with ${rows}` : ""}`);
  if (paused.length === 0) return;
  const them = paused.length === 1 ? "it" : "them";
  out(`${counted(paused)} paused: nobody takes ${them} on until you \`mortise tx resume${chosen(paused, named)}\``);
  if (outboxRows > 0 && acted.length === 0) out(`${rows} ${outboxRows === 1 ? "is" : "are"} due at once all the same`);
}

function counted(gids: readonly string[]): string {
  return gids.length === 1 ? `${gids[0]} is` : `${gids.length} transactions are`;
}

function chosen(gids: readonly string[], { name, strategy }: Named): string {
  if (gids.length === 1) return ` ${gids[0]}`;
  return `${name ? ` --name ${name}` : ""}${strategy ? ` --strategy ${strategy}` : ""}`;
}
