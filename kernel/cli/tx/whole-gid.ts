import { StatusError } from "../../call/status.ts";
import type { TransactionList } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";

type Listed = Pick<Infer<typeof TransactionList>, "transactions" | "silent">;

/** The signs an id may be cut down to. Most ids begin with their time, so those of one minute share their first eight; all end at random. */
const ending = /^[0-9a-f-]{8,35}$/;
const whole = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How many are asked for: two would tell that it is not clear which, some more help to see which was meant. */
export const mostAlike = 10;

/**
 * The whole id of the one transaction whose id ends with these signs, in upper case or lower. Rejects with NOT_FOUND where there
 * is none, and with INVALID_ARGUMENT where there are several, or these cannot be the end of an id.
 *
 * @param find lists those that end so, up to {@link mostAlike}, and perhaps others
 */
export async function wholeGid(meant: string, find: (gidEnd: string) => Promise<Listed>): Promise<string> {
  const given = meant.toLowerCase();
  if (whole.test(given)) return given;
  if (!ending.test(given)) throw new StatusError("INVALID_ARGUMENT", noId(meant));
  const { transactions, silent } = await find(given);
  const alike = transactions.filter(({ gid }) => gid.endsWith(given));
  const [only] = alike;
  if (!only) throw new StatusError("NOT_FOUND", noneWith(given, silent), { reason: "NO_SUCH_TRANSACTION" });
  if (alike.length === 1) return only.gid;
  const which = alike.map(({ gid, name, status }) => `\n  ${gid}  ${name} ${status}`);
  const more = alike.length === mostAlike ? "at least " : "";
  throw new StatusError(
    "INVALID_ARGUMENT",
    `${more}${alike.length} transactions end with ${given}; write more of the one that is meant:${which.join("")}`,
  );
}

function noId(given: string): string {
  return `"${given}" is no id of a transaction; write all 36 signs of it, or at least the last 8`;
}

function noneWith(given: string, silent: Listed["silent"]): string {
  const unasked =
    silent.length === 0 ? "" : `, but ${silent.map(({ participant }) => participant).join(", ")} did not tell`;
  return `no transaction that is kept ends with ${given}${unasked}; one without a record is named by its whole id`;
}
