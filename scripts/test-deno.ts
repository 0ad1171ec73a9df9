// Runs the tests of everything that works on Deno there: `npm run test:deno`, with more options of `deno test` after `--`.
import { globSync } from "node:fs";
import { root, run } from "./run.ts";

/** Node's own flags are what these are about. */
const nodeOnly = ["kernel/contract/aot.test.ts", "kernel/contract/docs.test.ts"];

const folders = [
  "kernel/call",
  "kernel/config",
  "kernel/contract",
  "kernel/core",
  "kernel/runtime",
  "kernel/spi",
  "plugins/breaker",
  "plugins/bus",
  "plugins/cluster",
  "plugins/filter",
  "plugins/limiter",
  "plugins/loadbalancer",
  "plugins/protocol",
  "plugins/registry",
  "plugins/router",
  "plugins/serializer",
  "plugins/store/postgres",
  "plugins/tracer",
  "telemetry",
];

const options = ["--allow-all", "--no-check", "--conditions=source"];
const files = folders
  .flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: root }).toSorted())
  .filter((file) => !nodeOnly.includes(file) && !file.includes("node_modules"));
const { code } = await run("deno", ["test", ...options, ...process.argv.slice(2), ...files], { live: true });
process.exitCode = code;
