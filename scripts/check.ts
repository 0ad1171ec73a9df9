// Everything that can be said about the sources without the slow tests: `npm run check`.
import { report, run } from "./run.ts";

const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["types (tsc)", "tsc", "-p", "."],
  ["types of the storefront (tsc)", "tsc", "-p", "apps/shop/web"],
  ["format and lint (biome)", "biome", "ci", "--colors=off", "."],
  [
    "promises (oxlint, type-aware)",
    "oxlint",
    "--type-aware",
    "kernel",
    "plugins",
    "telemetry",
    "proto",
    "apps",
    "scripts",
    "bench",
    "interop",
  ],
  ["unused code (knip)", "knip"],
  ["folder rule", "node", "--test", "scripts/architecture.test.ts"],
  ["catalogues are current", "node", "scripts/catalogue.ts", "--check"],
  ["emitted .proto files are current", "node", "kernel/cli/main.ts", "proto", "--check"],
  ["contracts (buf lint)", "buf", "lint"],
  ["format of contracts (buf format)", "buf", "format", "--diff", "--exit-code"],
  ["compatibility of contracts (buf breaking)", "buf", "breaking", "--against", "proto/lock.binpb"],
];

let passed = true;
for (const [name, command, ...args] of steps) passed = report(name, await run(command, args)) && passed;
process.exitCode = passed ? 0 : 1;
