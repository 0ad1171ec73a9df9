import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { MissingServer } from "@mortise/kernel/testing";
import { type Browser, chromium } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless Chromium: `CHROMIUM`, else the system's, else Debian's after installing it. Throws a MissingServer. */
export async function headlessChromium(): Promise<Browser> {
  const executablePath = found() ?? (await installed());
  return chromium.launch({ executablePath, args: quiet });
}

function found(): string | undefined {
  return [process.env.CHROMIUM, ...places].find((path) => path && existsSync(path));
}

async function installed(): Promise<string> {
  const run = promisify(execFile);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: string[]) => run("apt-get", ["-q", "-y", ...args], { env, timeout: 240_000 });
  const add = () => apt("install", "--no-install-recommends", "chromium");
  await add().catch(() =>
    apt("update")
      .then(add)
      .catch(() => undefined),
  );
  const path = found();
  if (!path) throw new MissingServer("There is no Chromium: set CHROMIUM, or install the Debian package chromium.");
  return path;
}
