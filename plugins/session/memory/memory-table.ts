import type { Clock } from "@mortise/kernel";
import type { SessionRow, SessionTable } from "@mortise/kernel/spi/kept-sessions";

/** How many rows are looked at with every new one, so that what is over goes and no insert takes long. */
const looks = 4;

/** Rows in this process. Beyond `maxSessions` what was looked at longest ago goes. */
export function memoryTable(maxSessions: number, { wall }: Clock): SessionTable {
  const rows = new Map<string, SessionRow>();

  /** Throws out what is over among the next rows; the others move to the end. */
  function sweep(): void {
    for (const [key, row] of rows.entries().take(looks).toArray()) {
      rows.delete(key);
      if (row.expiresAt > wall()) rows.set(key, row);
    }
    const [first] = rows.keys();
    if (rows.size >= maxSessions && first !== undefined) rows.delete(first);
  }

  return {
    async insert(key, row) {
      sweep();
      rows.set(key, row);
    },
    read: async (key) => rows.get(key),
    async touch(key, expiresAt) {
      const row = rows.get(key);
      if (row && row.expiresAt < expiresAt) rows.set(key, { ...row, expiresAt });
    },
    async write(key, row, revision) {
      if (rows.get(key)?.revision !== revision) return false;
      rows.set(key, row);
      return true;
    },
    async move(key, to, row, revision) {
      if (rows.get(key)?.revision !== revision) return false;
      rows.delete(key);
      rows.set(to, row);
      return true;
    },
    remove: async (key) => void rows.delete(key),
  };
}
