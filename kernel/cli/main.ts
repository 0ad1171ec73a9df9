import { systemPorts } from "../core/ports.ts";
import { runCommand } from "./program.ts";
import { systemTerminal } from "./terminal.ts";

// Somebody who has read enough, such as `head`, is no reason to complain.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await runCommand(process.argv.slice(2), {
  terminal: systemTerminal,
  ports: systemPorts,
  env: process.env,
  input: process.stdin,
  interactive: process.stderr.isTTY === true,
});

// Nothing should be left open now; what is left all the same does not keep the process alive.
systemPorts.timers.after(1000, () => process.exit());
