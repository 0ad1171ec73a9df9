// Writes a migration for every service whose schema.ts has changed: `npm run migrations -w @mortise/shop -- <name>`.
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { dirname } from "node:path";

const [name = "change"] = process.argv.slice(2);
for (const schema of globSync("*/schema.ts", { cwd: import.meta.dirname })) {
  const out = `${dirname(schema)}/drizzle`;
  const args = ["generate", "--dialect", "postgresql", "--schema", schema, "--out", out, "--name", name];
  execFileSync("drizzle-kit", args, { cwd: import.meta.dirname, stdio: "inherit" });
}
