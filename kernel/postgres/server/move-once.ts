import { existsSync, renameSync } from "node:fs";

/** Moves a finished directory to where it belongs; false when somebody else was quicker. */
export function moveOnce(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (existsSync(to)) return false;
    throw error;
  }
}
