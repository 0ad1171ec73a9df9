import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Account } from "../../processes/account.ts";

const execute = 1;
const read = 4;

/** Whether somebody may enter a directory: search it and everything above it. `path` is absolute, without links. */
export function canEnter(path: string, account: Account): boolean {
  const parent = dirname(path);
  return may(account, statSync(path), execute) && (parent === path || canEnter(parent, account));
}

/** Whether somebody may read and run a file that lies in a directory they may enter. */
export function canRun(file: string, account: Account): boolean {
  return canEnter(dirname(file), account) && may(account, statSync(file), read | execute);
}

/** The permission bits of POSIX: the owner's if it is the owner, else the group's, else everybody's. */
export function may(
  account: Account,
  { mode, uid, gid }: Pick<Stats, "mode" | "uid" | "gid">,
  wanted: number,
): boolean {
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}
