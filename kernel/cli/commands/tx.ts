import { userInfo } from "node:os";
import type { CallContext } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { jsonOf } from "../../contract/json/json.ts";
import type { JsonObject, JsonValue } from "../../contract/json/value.ts";
import {
  type Acted,
  OpenCounts,
  Reconciliation,
  SweepReport,
  TransactionAdmin,
  TransactionEvent,
  TransactionList,
  type TransactionQuery,
  TransactionView,
} from "../../contract/transaction/admin.ts";
import type { Infer, MessageType } from "../../contract/types.ts";
import { type Client, clients } from "../../spi/runtime.ts";
import { type CallingFlags, calling } from "../call/calling.ts";
import { openWay, type WayFlags } from "../call/way.ts";
import { type ExitCode, exitCodes, UserError } from "../exit.ts";
import { type Named, showActed } from "../tx/show-acted.ts";
import { showDifferences } from "../tx/show-differences.ts";
import { showCounts, showList } from "../tx/show-list.ts";
import { showHeld, showSwept } from "../tx/show-swept.ts";
import { showView } from "../tx/show-view.ts";
import { readDuration } from "../tx/time.ts";
import { mostAlike, wholeGid } from "../tx/whole-gid.ts";
import type { World } from "../world.ts";

export interface TxFlags extends WayFlags, CallingFlags {
  readonly json?: boolean;
}

export interface WhichFlags extends TxFlags {
  readonly name?: string;
  readonly strategy?: string;
}

export interface ListFlags extends WhichFlags {
  readonly status: readonly string[];
  readonly stuck?: boolean;
  readonly all?: boolean;
  readonly olderThan?: string;
  readonly limit: string;
}

export interface ActFlags extends WhichFlags {
  readonly by?: string;
  readonly reason?: string;
}

export interface ShowFlags extends TxFlags {
  readonly input?: boolean;
}

export interface CloseFlags extends ActFlags {
  readonly branch?: string;
}

export interface ReconcileFlags extends TxFlags {
  readonly name?: string;
  readonly participant?: string;
  readonly newerThan?: string;
}

export interface SweepFlags extends ActFlags {
  readonly participant?: string;
  readonly end?: boolean;
  readonly foreign?: boolean;
  readonly closed?: boolean;
  readonly olderThan: string;
}

/** Lists transactions, by default those that have not ended. */
export async function list(world: World, flags: ListFlags): Promise<ExitCode> {
  const query = queryOf(flags);
  return asking(world, flags, async (admin, context) => {
    const found = await admin.list(query, context);
    print(world, flags, TransactionList, found, () => showList(world.terminal, found));
    tellSilent(world, found.silent);
  });
}

/** Counts what has not ended. */
export async function counts(world: World, flags: TxFlags): Promise<ExitCode> {
  return asking(world, flags, async (admin, context) => {
    const found = await admin.counts({}, context);
    print(world, flags, OpenCounts, found, () => showCounts(world.terminal, found));
    tellSilent(world, found.silent);
  });
}

/** Shows one transaction with all that is known of it anywhere, or only what it was begun with. */
export async function show(world: World, given: string, flags: ShowFlags): Promise<ExitCode> {
  return asking(world, flags, async (admin, context) => {
    const gid = await meant(given, admin, context);
    if (flags.input) {
      const { json } = await admin.input({ gid }, context);
      return world.terminal.out(JSON.stringify(JSON.parse(json), null, 2));
    }
    const view = await admin.show({ gid }, context);
    print(world, flags, TransactionView, view, () => showView(world.terminal, gid, view));
  });
}

/** Retries, pauses or resumes one transaction, or all open ones of a name or strategy. */
export async function act(
  world: World,
  what: "retry" | "pause" | "resume",
  given: string | undefined,
  flags: ActFlags,
): Promise<ExitCode> {
  const { name = "", strategy = "" } = flags;
  if ((given === undefined) === (name === "" && strategy === ""))
    throw new UserError(`say which to ${what}: a gid, or --name or --strategy for all of them that are open`);
  return asking(world, flags, async (admin, context) => {
    const gid = given === undefined ? "" : await meant(given, admin, context);
    const acted = await admin[what]({ gid, name, strategy, ...whoOf(flags) }, context);
    tell(world, pastOf[what], acted, flags);
  });
}

const pastOf = { retry: "due at once", pause: "paused", resume: "resumed" } as const;

/** Decides an undecided transaction. */
export async function force(world: World, given: string, outcome: string, flags: ActFlags): Promise<ExitCode> {
  return asking(world, flags, async (admin, context) => {
    const gid = await meant(given, admin, context);
    const { status } = await admin.force({ gid, outcome, ...whoOf(flags) }, context);
    world.terminal.out(`${gid} is ${status}; its branches follow`);
  });
}

/** Ends a decided transaction, or has one branch of it count as done, whatever its branches say. */
export async function close(world: World, given: string, flags: CloseFlags): Promise<ExitCode> {
  const { branch = "" } = flags;
  return asking(world, flags, async (admin, context) => {
    const gid = await meant(given, admin, context);
    const acted = await admin.close({ gid, branch, ...whoOf(flags) }, context);
    tell(world, branch === "" ? "closed" : `going on without ${branch}`, acted);
    showHeld(world.terminal, await admin.show({ gid }, context), branch);
  });
}

/** Tells where participants have something else than was decided. Ends with a code of its own where there is any, or one did not tell. */
export async function reconcile(world: World, flags: ReconcileFlags): Promise<ExitCode> {
  const { name = "", participant = "", newerThan } = flags;
  const newerThanMs = BigInt(newerThan === undefined ? 0 : readDuration("--newer-than", newerThan));
  let ended: ExitCode = exitCodes.ok;
  const code = await asking(world, flags, async (admin, _, anew) => {
    const request = { name, participant, newerThanMs, limit: 0 };
    const found = await allOf((after, passOver) => admin.reconcile({ ...request, after, passOver }, anew()));
    print(world, flags, Reconciliation, found, () => showDifferences(world.terminal, found));
    tellSilent(world, found.silent);
    if (found.silent.length > 0) ended = exitCodes.status;
    if (found.differences.length > 0) ended = exitCodes.problems;
  });
  return code === exitCodes.ok ? ended : code;
}

type Found = Infer<typeof Reconciliation>;

/** Batch after batch, as one; a participant that did not answer is not asked again. */
async function allOf(ask: (after: string, passOver: string[]) => Promise<Found>): Promise<Found> {
  const differences: Found["differences"][number][] = [];
  const silent = new Map<string, Found["silent"][number]>();
  let compared = 0;
  let after = "";
  do {
    const batch = await ask(after, [...silent.keys()]);
    differences.push(...batch.differences);
    for (const one of batch.silent) silent.set(one.participant, one);
    compared += batch.compared;
    after = batch.next;
  } while (after !== "");
  return { differences, compared, next: "", silent: [...silent.values()] };
}

/** Looks for branches nobody asks about, and ends them where that is asked for. */
export async function sweep(world: World, flags: SweepFlags): Promise<ExitCode> {
  const { participant = "", end = false, foreign = false, closed = false, olderThan } = flags;
  if (foreign && !end) throw new UserError("--foreign takes something back: say --end as well, and why with --reason");
  if (end && flags.reason === undefined) throw new UserError("--end changes data: say why with --reason");
  const olderThanMs = Math.min(readDuration("--older-than", olderThan), 2 ** 31 - 1);
  let failed = false;
  const code = await asking(world, flags, async (admin, context) => {
    const report = await admin.sweep({ participant, end, foreign, closed, olderThanMs, ...whoOf(flags) }, context);
    print(world, flags, SweepReport, report, () => showSwept(world.terminal, report, { end, olderThan }));
    tellSilent(world, report.silent);
    failed = report.silent.length > 0 || report.participants.some((one) => one.failed.length > 0);
  });
  return code === exitCodes.ok && failed ? exitCodes.status : code;
}

/** Prints what happened to transactions as lines of JSON, one transaction after the other. */
export async function exportHistory(world: World, given: readonly string[], flags: ListFlags): Promise<ExitCode> {
  const query = queryOf(flags);
  return asking(world, flags, async (admin, context) => {
    const gids: string[] = [];
    for (const one of given) gids.push(await meant(one, admin, context));
    const found = gids.length > 0 ? gids : (await admin.list(query, context)).transactions.map(({ gid }) => gid);
    for (let from = 0; from < found.length; from += 50) {
      const { events, silent } = await admin.export({ gids: found.slice(from, from + 50) }, context);
      for (const event of events) world.terminal.out(JSON.stringify(jsonOf(TransactionEvent).toJson(event)));
      tellSilent(world, silent);
    }
  });
}

type Admin = Client<typeof TransactionAdmin>;

/** How long an answer may take where nobody says, in milliseconds. */
const defaultTimeoutMs = 10_000;

/** @param work is given a context for all it asks, and where that is much, `anew` one for each answer */
async function asking(
  world: World,
  flags: TxFlags,
  work: (admin: Admin, context: CallContext, anew: () => CallContext) => Promise<void>,
): Promise<ExitCode> {
  return calling(world, flags, async (context) => {
    const way = await openWay(world, flags);
    try {
      const admin = way.kernel.get(clients).client(TransactionAdmin);
      const anew = () => (flags.timeout === undefined ? context.with({ timeoutMs: defaultTimeoutMs }) : context);
      await work(admin, anew(), anew);
    } catch (error) {
      throw nobodyServes(error) ?? error;
    } finally {
      await way.kernel.stop();
    }
    return exitCodes.ok;
  });
}

/** Says what it means that nobody serves the contract. */
function nobodyServes(error: unknown): StatusError | undefined {
  if (!(error instanceof StatusError)) return undefined;
  const { code, message, reason, neverSent } = error;
  if (code !== "UNIMPLEMENTED" && !(code === "UNAVAILABLE" && neverSent)) return undefined;
  const hint = "transactions are asked about at a running process that begins some";
  return new StatusError(code, `${message}; ${hint}`, reason === undefined ? {} : { reason });
}

/** The transaction a person means by its whole id or the end of it. */
function meant(given: string, admin: Admin, context: CallContext): Promise<string> {
  const all = { name: "", strategy: "", statuses: [], stuck: false, open: false, olderThanMs: 0n, limit: mostAlike };
  return wholeGid(given, (gidEnd) => admin.list({ ...all, gidEnd }, context));
}

function queryOf(flags: ListFlags): Infer<typeof TransactionQuery> {
  const { name = "", strategy = "", status, stuck = false, all = false, olderThan } = flags;
  const limit = Number(flags.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new UserError(`--limit takes a number from 1 to 10000, not "${flags.limit}"`);
  const olderThanMs = olderThan === undefined ? 0 : readDuration("--older-than", olderThan);
  const open = !all && status.length === 0;
  return { name, strategy, statuses: [...status], stuck, open, limit, olderThanMs: BigInt(olderThanMs) };
}

function whoOf({ by = userInfo().username, reason = "" }: ActFlags): { by: string; reason: string } {
  return { by, reason };
}

function print<T>({ terminal }: World, { json }: TxFlags, type: MessageType<T>, value: T, show: () => void): void {
  if (json) terminal.out(JSON.stringify(withLists(type, value), null, 2));
  else show();
}

/** As JSON, in which lists stand also where they are empty. */
function withLists<T>(type: MessageType<T>, value: T): JsonValue {
  const lists = type.fields.filter(({ repeated }) => repeated).map(({ name }) => [name, []]);
  return { ...Object.fromEntries(lists), ...(jsonOf(type).toJson(value) as JsonObject) };
}

function tell(world: World, what: string, acted: Infer<typeof Acted>, named?: Named): void {
  showActed(world.terminal, what, acted, named);
  tellSilent(world, acted.silent);
}

function tellSilent({ terminal }: World, silent: Infer<typeof Acted>["silent"]): void {
  for (const { participant, why, code } of silent) {
    const what = unanswered.has(code) ? "did not answer" : "answered with an error";
    terminal.err(terminal.styledErr("yellow", `${participant} ${what}: ${why}`));
  }
}

/** Codes of whoever was not reached; no code at all comes from a process that does not tell. */
const unanswered: ReadonlySet<string> = new Set(["", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"]);
