import { dirname, join } from "node:path/posix";
import type { Import } from "./imports.ts";

/** What the files of a folder may import: sources of this repository by path, and packages. */
interface Layer {
  readonly files: RegExp;
  readonly sources: (file: string) => readonly RegExp[];
  /** `declared`: the dependencies of the workspace; `any`: also those of the repository, for tests and tools. */
  readonly packages: "none" | "declared" | "any";
}

/** A workspace of the repository as its package.json declares it. */
export interface Workspace {
  readonly name: string;
  /** From the root, without a slash at the end. */
  readonly folder: string;
  /** Where each exported sub-path has its source: `.` or `./*` to a path in the folder. */
  readonly sources: Readonly<Record<string, string>>;
  readonly dependencies: readonly string[];
}

const kernel = (...folders: string[]) => folders.map((folder) => new RegExp(`^kernel/${folder}/`));
const doors =
  /^kernel\/(index|generic\/index|contract\/(hessian\/)?index|(spi|processes|postgres|zookeeper)\/[a-z-]+)\.ts$/;
/** What plugins may use besides: the kernel's own plugins are made of it. */
const pluginDoors = /^kernel\/runtime\/index\.ts$/;
const testDoors =
  /^kernel\/((testing|testing\/operations|config|runtime)\/index|spi\/[a-z-]+(\.conformance|-laws\/[a-z-]+))\.ts$/;
const own = (file: string, depth: number) => new RegExp(`^${file.split("/").slice(0, depth).join("/")}/`);
const plugin = (file: string) => own(file, file.startsWith("plugins/") ? 3 : 2);
const shared = (file: string) => new RegExp(`^${file.split("/").slice(0, 2).join("/")}/shared/`);

/** The first layer a file fits decides. */
const layers: readonly Layer[] = [
  { files: /^kernel\/core\/.*\.(test|fixture)\.ts$/, sources: () => kernel("core", "testing"), packages: "any" },
  { files: /^kernel\/core\//, sources: () => kernel("core"), packages: "none" },
  {
    files: /^kernel\/(.*\.(test|fixture)\.ts$|[^/]+\/testing\/)/,
    sources: () => [/^kernel\//, /^proto\//],
    packages: "any",
  },
  { files: /^kernel\/(contract|call)\//, sources: () => kernel("core", "contract", "call"), packages: "declared" },
  { files: /^kernel\/processes\//, sources: () => kernel("core", "processes"), packages: "none" },
  { files: /^kernel\/postgres\//, sources: () => kernel("core", "processes", "spi", "postgres"), packages: "declared" },
  { files: /^kernel\/zookeeper\//, sources: () => kernel("core", "call", "spi", "zookeeper"), packages: "declared" },
  {
    files: /^kernel\/spi\/(.*\.conformance\.ts$|.+-laws\/)/,
    sources: () => kernel("core", "contract", "call", "spi", "testing"),
    packages: "declared",
  },
  {
    files: /^kernel\/(spi\/|index\.ts$)/,
    sources: () => kernel("core", "contract", "call", "spi"),
    packages: "declared",
  },
  { files: /^kernel\/(config|runtime|testing|generic)\//, sources: () => [/^kernel\/(?!cli\/)/], packages: "declared" },
  { files: /^kernel\/cli\//, sources: () => [/^kernel\//], packages: "declared" },
  {
    files: /^(plugins\/[^/]+|telemetry)\/[^/]+\/.*\.(test|fixture)\.ts$/,
    sources: (file) => [doors, testDoors, plugin(file)],
    packages: "any",
  },
  {
    files: /^(plugins\/[^/]+|telemetry)\/[^/]+\//,
    sources: (file) => [doors, pluginDoors, plugin(file)],
    packages: "declared",
  },
  { files: /^proto\//, sources: () => [/^kernel\/contract\/index\.ts$/, /^proto\//], packages: "any" },
  {
    files: /^apps\/.*\.(test|fixture)\.ts$/,
    sources: (file) => [doors, testDoors, /^proto\//, own(file, 2)],
    packages: "any",
  },
  {
    files: /^apps\/[^/]+\/[^/]+\//,
    sources: (file) => [doors, /^proto\//, own(file, 3), shared(file)],
    packages: "declared",
  },
  { files: /^apps\/[^/]+\//, sources: (file) => [doors, /^proto\//, own(file, 2)], packages: "declared" },
  { files: /^(scripts|bench|interop)\//, sources: () => [/^(?!apps\/)/], packages: "any" },
];

/** What `file` imports and may not, as `./x.ts` was written; or that no layer is meant for this place. */
export function forbidden(file: string, imports: readonly Import[], workspaces: readonly Workspace[]): string[] {
  const layer = layers.find(({ files }) => files.test(file));
  if (!layer) return [`no folder of the architecture: ${file}`];
  const allowed = layer.sources(file);
  const declared = packagesOf(layer, file, workspaces);
  return imports.flatMap(({ specifier }) => {
    const target = resolveSource(file, specifier, workspaces);
    if (target === undefined) return isOutside(specifier, declared) ? [specifier] : [];
    const home = homeOf(file, workspaces);
    const inside = !specifier.startsWith(".") || home === undefined || home === homeOf(target, workspaces);
    return inside && allowed.some((pattern) => pattern.test(target)) ? [] : [specifier];
  });
}

function packagesOf(
  { packages }: Layer,
  file: string,
  workspaces: readonly Workspace[],
): readonly string[] | undefined {
  if (packages === "any") return undefined;
  return packages === "none" ? [] : (homeOf(file, workspaces)?.dependencies ?? []);
}

/** The workspace a source belongs to; the tools of the repository belong to none. */
function homeOf(file: string, workspaces: readonly Workspace[]): Workspace | undefined {
  return workspaces.find(({ folder }) => file.startsWith(`${folder}/`));
}

function isOutside(specifier: string, declared: readonly string[] | undefined): boolean {
  if (specifier.startsWith("node:") || declared === undefined) return false;
  return !declared.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}

/** The source a specifier stands for; nothing if it is a package from outside or of `node:`. */
export function resolveSource(file: string, specifier: string, workspaces: readonly Workspace[]): string | undefined {
  if (specifier.startsWith(".")) return join(dirname(file), specifier);
  const workspace = workspaces.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`));
  if (!workspace) return undefined;
  const subPath = `.${specifier.slice(workspace.name.length)}`;
  for (const [pattern, source] of Object.entries(workspace.sources)) {
    const [before = "", after] = pattern.split("*");
    if (pattern === subPath) return join(workspace.folder, source);
    if (after === undefined || !subPath.startsWith(before)) continue;
    return join(workspace.folder, source.replace("*", subPath.slice(before.length, subPath.length - after.length)));
  }
  return `${workspace.folder} does not export ${subPath}`;
}
