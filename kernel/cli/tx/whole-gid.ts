import { StatusError } from "../../call/status.ts";
import type { TransactionList } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";

type Listed = Pick<Infer<typeof TransactionList>, "transactions" | "silent">;

/** The signs an id may be cut down to. Ids begin with their time, so those of one minute share their first eight; they end at random. */
const ending = /^[0-9a-f-]{8,35}$/;

/** How many are asked for: two would tell that it is not clear which, some more help to see which was meant. */
export const mostAlike = 10;

/**
 * The whole id of the one transaction whose id ends with these signs; what cannot be the end of one is given as it is. Rejects
 * with NOT_FOUND where there is none, and with INVALID_ARGUMENT where there are several.
 *
 * @param find lists those that end so, up to {@link mostAlike}, and perhaps others
 */
export async function wholeGid(given: string, find: (gidEnd: string) => Promise<Listed>): Promise<string> {
  if (!ending.test(given)) return given;
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

function noneWith(given: string, silent: Listed["silent"]): string {
  const unasked =
    silent.length === 0 ? "" : `, but ${silent.map(({ participant }) => participant).join(", ")} did not tell`;
  return `no transaction that is kept ends with ${given}${unasked}; one without a record is named by its whole id`;
}
