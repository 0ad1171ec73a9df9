import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Copies a directory so that everybody can read the copy. Links stay links. */
export function copyTree(from: string, to: string, wanted: (name: string) => boolean): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const name of readdirSync(from).filter(wanted)) {
    const [source, target] = [join(from, name), join(to, name)];
    const found = lstatSync(source);
    if (found.isDirectory()) copyTree(source, target, wanted);
    else if (found.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else copyFile(source, target, found.mode);
  }
}

function copyFile(source: string, target: string, mode: number): void {
  copyFileSync(source, target);
  chmodSync(target, (mode & 0o100) !== 0 ? 0o755 : 0o644);
}
