// Runs the tests of everything that works on Deno there: `npm run test:deno`.
import { run } from "./run.ts";

const folders = [
  "kernel/core",
  "kernel/contract",
  "kernel/call",
  "kernel/runtime",
  "plugins/protocol/inproc",
  "plugins/protocol/grpc",
  "plugins/serializer",
  "plugins/loadbalancer",
  "plugins/cluster",
  "plugins/bus/memory",
  "plugins/bus/nats",
  "plugins/store/postgres",
];
const { code } = await run("deno", ["test", "--allow-all", "--no-check", "--conditions=source", ...folders], {
  live: true,
});
process.exitCode = code;
