import type { Location } from "../core/config.ts";
import type { ExplainedPlugin } from "../core/explain.ts";
import { formatLocation } from "../core/problems.ts";
import type { FieldExplanation, MethodExplanation, StationExplanation } from "./explain-method.ts";
import type { TransactionExplanation } from "./explain-transaction.ts";
import { columns } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** One line of an explanation: what, and where it comes from. */
type Row = readonly [what: string, value: string, origin: string];

/** Prints plugins in start order, each with why it is there, what it was given and its options. */
export function showSystem(terminal: Terminal, app: string, plugins: readonly ExplainedPlugin[]): void {
  terminal.out(terminal.styled("bold", `${app} starts ${plugins.length} plugins, in this order:`));
  for (const { id, description, selected, options, needs, source, from } of plugins) {
    terminal.out("");
    terminal.out(
      `${terminal.styled("bold", id)}  ${terminal.styled("dim", `${whyText(selected.why, selected.location)}`)}`,
    );
    terminal.out(terminal.styled("dim", `  ${description} (${source}: ${from})`));
    const given = needs.map((need): Row => ["needs", need.asked, need.given.join(", ") || "nothing"]);
    const set = options.map(
      (option): Row => [option.name, JSON.stringify(option.value) ?? "undefined", originText(option.from)],
    );
    showRows(terminal, given, "→ ");
    showRows(terminal, set, "");
  }
}

/** Prints the way of calls of one method. */
export function showMethod(terminal: Terminal, explanation: MethodExplanation): void {
  const { method, kind, facts, handledBy, limits, stations } = explanation;
  const promises = [
    kind,
    facts.readOnly ? "read only" : facts.idempotent ? "idempotent" : "not idempotent",
    `${facts.criticality} criticality`,
  ];
  terminal.out(`${terminal.styled("bold", method)}  ${terminal.styled("dim", promises.join(", "))}`);
  terminal.out("");
  showRows(terminal, limits.map(fieldRow), "");
  for (const station of stations) showStation(terminal, station);
  terminal.out("");
  terminal.out(
    handledBy.length > 0
      ? `handled here by ${handledBy.join(", ")}`
      : "not handled in this app: wherever the registry says",
  );
}

/** Prints how a transaction is driven. */
export function showTransaction(terminal: Terminal, explanation: TransactionExplanation): void {
  const { transaction, version, needs, said, honest, branches, begunBy } = explanation;
  const facts = `version ${version}, isolation ${needs.isolation}, ${needs.reply} reply`;
  terminal.out(`${terminal.styled("bold", transaction)}  ${terminal.styled("dim", facts)}`);
  terminal.out("");
  const origin = (from: string | undefined, location: Location | undefined) =>
    from === undefined ? "default" : `transactions, ${from}${at(location)}`;
  showRows(
    terminal,
    said.map(({ name, value, from, location }) => [name, JSON.stringify(value) ?? "none", origin(from, location)]),
    "",
  );
  terminal.out("");
  showRows(
    terminal,
    branches.map(({ id, participant, steps, after, afterCommit, pivot }) => {
      const waits = [...(afterCommit ? ["the commit"] : []), ...after].join(", ");
      const order = [...(pivot ? ["pivot"] : []), ...(waits ? [`after ${waits}`] : [])].join(", ");
      return [id, `${participant}: ${steps.map(({ step }) => step).join(", ")}`, order];
    }),
    "",
  );
  terminal.out("");
  terminal.out(`honest here: ${honest.join(", ") || "no strategy"}`);
  terminal.out(`begun by ${begunBy.join(", ")}`);
}

/** Prints the strategies of all transactions; nothing where there are none. */
export function showTransactions(terminal: Terminal, transactions: readonly (readonly [string, string])[]): void {
  if (transactions.length === 0) return;
  terminal.out("");
  terminal.out(terminal.styled("bold", "transactions begun here:"));
  for (const line of columns(transactions.map(([name, strategy]) => [`  ${name}`, strategy]))) terminal.out(line);
}

function showStation(terminal: Terminal, { spi, plugin, why, location, fields }: StationExplanation): void {
  const reason = why.by === "policy" ? `policy for ${why.target}${at(location)}` : whyText(why, location);
  const name = plugin.slice(spi.length + 1);
  terminal.out(
    `${terminal.styled("cyan", spi.padEnd(13))} ${terminal.styled("bold", name)}  ${terminal.styled("dim", reason)}`,
  );
  showRows(terminal, fields.map(fieldRow), "");
}

function fieldRow({ name, value, target, location }: FieldExplanation): Row {
  return [
    name,
    JSON.stringify(value) ?? "undefined",
    target === undefined ? "default" : `policy for ${target}${at(location)}`,
  ];
}

function showRows(terminal: Terminal, rows: readonly Row[], mark: string): void {
  const lines = columns(rows.map(([what, value, origin]) => [`  ${what}`, value, `${mark}${origin}`]));
  for (const [index, line] of lines.entries()) {
    const origin = `${mark}${rows[index]?.[2] ?? ""}`;
    terminal.out(`${line.slice(0, line.length - origin.length)}${terminal.styled("dim", origin)}`);
  }
}

/** Only what is written has a place of its own. */
function whyText(why: ExplainedPlugin["selected"]["why"], location: Location | undefined): string {
  if (why.by === "config") return `selected${at(location)}`;
  return why.by === "fallback" ? `the fallback, needed by ${why.neededBy}` : `joins by itself, order ${why.order}`;
}

function originText(origin: ExplainedPlugin["options"][number]["from"]): string {
  if (origin === undefined) return "";
  return origin === "default" ? "default" : formatLocation(origin);
}

function at(location: Location | undefined): string {
  return location ? ` (${formatLocation(location)})` : "";
}
