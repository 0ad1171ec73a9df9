import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Names a running process beyond the reuse of its number: `<pid>@<start>`, without spaces. Nothing for a process that
 * has ended, also when its parent has not taken notice yet.
 */
export function processIdentity(pid: number): string | undefined {
  const start = process.platform === "linux" ? startOnLinux(pid) : startByPs(pid);
  return start === undefined ? undefined : `${pid}@${start}`;
}

/** Whether the process of that identity runs still. */
export function isRunning(identity: string): boolean {
  const pid = Number(identity.split("@")[0]);
  return Number.isInteger(pid) && pid > 0 && processIdentity(pid) === identity;
}

/** Field 22 of proc_pid_stat(5), clock ticks since boot. The name before it may hold anything but is in brackets. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const output = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return output === "" || output.startsWith("Z") ? undefined : output.replace(/^\S+\s+/, "").replace(/\s+/g, "_");
  } catch {
    return undefined;
  }
}
