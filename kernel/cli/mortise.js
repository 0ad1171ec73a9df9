#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that an old one gets a sentence instead of a syntax error.
import { existsSync } from "node:fs";
import * as modules from "node:module";

const needed = 24;
const major = Number(process.versions.node.split(".")[0]);

if (major < needed) {
  console.error(
    `mortise needs Node ${needed} or newer, and this is ${process.version}. Install it, or run mortise through npm in a project that has it.`,
  );
  process.exitCode = 2;
} else {
  const built = new URL("../dist/cli/main.js", import.meta.url);
  if (existsSync(built)) {
    void import(built.href);
  } else {
    // In the repository of Mortise itself packages are read from their sources.
    modules.registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier, { ...context, conditions: [...context.conditions, "source"] }),
    });
    void import("./main.ts");
  }
}
