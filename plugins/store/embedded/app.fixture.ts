// An app on store/embedded in a process of its own: writes numbers and tells which are safe on standard output.
import type { Store } from "@mortise/kernel";
import { keptLog, startPlugin } from "@mortise/kernel/testing";
import { embedded } from "./embedded.ts";

const [dataDir = "", more = "{}"] = process.argv.slice(2);

function tell(what: string, value: unknown): void {
  console.log(JSON.stringify({ what, value }));
}

const log = keptLog();
try {
  const { api } = await startPlugin<Store>(embedded, { options: { dataDir, ...JSON.parse(more) }, log });
  const { sql, address } = await api.database("numbers");
  await sql`create table if not exists numbers (n int primary key)`;
  tell("ready", address);
  const [{ last } = { last: 0 }] = await sql`select coalesce(max(n), 0)::int as last from numbers`;
  for (let n = last + 1; ; n++) {
    await sql`insert into numbers values (${n})`;
    tell("safe", n);
  }
} catch (error) {
  tell("failed", error instanceof Error ? { name: error.name, message: error.message } : String(error));
  process.exitCode = 1;
}
