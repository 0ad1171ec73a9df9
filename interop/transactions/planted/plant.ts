// Puts one mistake into the source of the platform as it is loaded: node --import=<this file>, with PLANTED_BUG naming it.
import { registerHooks } from "node:module";
import { type Bug, bugs } from "./bugs.ts";

const name = process.env.PLANTED_BUG ?? "";
const bug: Bug | undefined = (bugs as Readonly<Record<string, Bug>>)[name];
if (!bug) throw new TypeError(`there is no mistake "${name}"`);
const url = new URL(`../../../${bug.file}`, import.meta.url).href;

registerHooks({
  load(asked, context, next) {
    const loaded = next(asked, context);
    if (asked !== url) return loaded;
    const source = String(loaded.source);
    const parts = source.split(bug.text);
    if (parts.length !== 2) throw new Error(`${bug.file} has the text of "${name}" ${parts.length - 1} times`);
    return { ...loaded, source: parts.join(bug.becomes) };
  },
});
