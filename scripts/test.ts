// Runs the tests: `npm test` for all, `npm test -- <paths or globs>` for some.
import { run } from "./run.ts";

const all = ["kernel", "plugins", "telemetry", "proto", "apps", "scripts", "interop"].map(
  (top) => `${top}/**/*.test.ts`,
);
const chosen = process.argv.slice(2);
const hang = new URL("hang.ts", import.meta.url).href;
const { code } = await run(
  "node",
  [
    `--import=${hang}`,
    "--test",
    "--test-concurrency=2",
    "--test-timeout=300000",
    ...(chosen.length > 0 ? chosen : all),
  ],
  { live: true },
);
process.exitCode = code;
