import { readFileSync, statSync } from "node:fs";

/** Somebody a program can run as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Accounts without rights that servers may run as, in order of preference. */
const preferred = ["postgres", "nobody"];

/** nobody and nogroup by convention, where the system lists neither. */
const fallback: Account = { uid: 65534, gid: 65534 };

/** Whether this process may do everything, which servers such as PostgreSQL refuse to run with. */
export function isSuperuser(): boolean {
  return process.getuid?.() === 0;
}

/** Whom a server of the superuser runs as: the owner of what it works on, else an account without rights. */
export function accountFor(path: string): Account {
  const owner = statSync(path, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return findAccount(readPasswd(), preferred) ?? fallback;
}

/** The first of `names` that a file in the format of /etc/passwd lists. */
export function findAccount(passwd: string, names: readonly string[]): Account | undefined {
  const lines = passwd.split("\n").map((line) => line.split(":"));
  for (const name of names) {
    const line = lines.find(([login]) => login === name);
    if (line) return { uid: Number(line[2]), gid: Number(line[3]) };
  }
  return undefined;
}

function readPasswd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}
