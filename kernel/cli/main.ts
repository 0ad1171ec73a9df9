import { systemPorts } from "../core/ports.ts";
import { runCommand } from "./program.ts";
import { systemTerminal } from "./terminal.ts";

process.exitCode = await runCommand(process.argv.slice(2), {
  terminal: systemTerminal,
  ports: systemPorts,
  env: process.env,
  input: process.stdin,
  interactive: process.stderr.isTTY === true,
});
