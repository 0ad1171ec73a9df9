import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Import, importsOf } from "./imports.ts";
import type { Workspace } from "./layers.ts";
import { root } from "./run.ts";

export interface Source {
  /** From the root, with slashes. */
  readonly file: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** Every TypeScript source of the repository but the generated ones and the pages of browsers. */
export function readSources(): Source[] {
  const files = globSync("{kernel,plugins,telemetry,proto,apps,scripts,bench,interop}/**/*.ts", {
    cwd: root,
    exclude: ["**/node_modules", "**/dist", "proto/gen", "apps/*/web", "**/.mortise"],
  });
  return files.sort().map((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return { file: file.replaceAll("\\", "/"), text, imports: importsOf(file, text) };
  });
}

interface PackageJson {
  readonly name: string;
  readonly exports?: Readonly<Record<string, string | { readonly source?: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The workspaces of the repository. */
export function readWorkspaces(): Workspace[] {
  return globSync("{kernel,plugins,telemetry,proto,apps/*}/package.json", { cwd: root }).map((path) => {
    const manifest = JSON.parse(readFileSync(join(root, path), "utf8")) as PackageJson;
    const { name, exports = {}, dependencies, optionalDependencies, peerDependencies } = manifest;
    const sources = Object.entries(exports).map(([key, to]) => [key, typeof to === "string" ? to : (to.source ?? "")]);
    return {
      name,
      folder: path.replaceAll("\\", "/").replace("/package.json", ""),
      sources: Object.fromEntries(sources),
      dependencies: Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }),
    };
  });
}
