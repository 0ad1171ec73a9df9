import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { writeProtoFiles } from "../proto/write.ts";

const root = resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);

/** A folder with `.proto` files, set up as this repository is. */
export interface ProtoWorkspace extends AsyncDisposable {
  readonly dir: string;
  /** Runs buf there and gives what it printed. Rejects with what it complained of. */
  buf(...args: readonly string[]): Promise<string>;
  /** Runs another program of this repository there. */
  run(program: string, ...args: readonly string[]): Promise<string>;
}

/** Writes `.proto` files to a folder in which `buf lint`, `buf generate` and so on work as in this repository. */
export async function protoWorkspace(files: ReadonlyMap<string, string>): Promise<ProtoWorkspace> {
  const dir = await mkdtemp(join(tmpdir(), "mortise-proto-"));
  for (const name of ["node_modules", "kernel"]) await symlink(join(root, name), join(dir, name));
  for (const name of ["buf.yaml", "buf.gen.yaml"]) await copyFile(join(root, name), join(dir, name));
  await writeFile(join(dir, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(
    join(dir, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["proto"] }),
  );
  await writeProtoFiles(join(dir, "proto"), files);
  const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
  const inDir = async (program: string, ...args: readonly string[]) => {
    const options = { cwd: dir, env: { ...process.env, PATH: path }, maxBuffer: 64 * 1024 * 1024 };
    try {
      return (await run(join(root, "node_modules/.bin", program), args, options)).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
      throw new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`.slice(0, 2000));
    }
  };
  return {
    dir,
    buf: (...args) => inDir("buf", ...args),
    run: inDir,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

/** What ts-proto generates for a message. */
export interface GeneratedMessage {
  encode(value: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  toJSON(value: unknown): unknown;
  fromJSON(json: unknown): unknown;
}

/** Runs ts-proto in a workspace; gives the module generated for a `.proto` file. */
export async function generateTsProto(workspace: ProtoWorkspace) {
  await workspace.buf("generate");
  return async (path: string): Promise<Readonly<Record<string, GeneratedMessage>>> =>
    await import(join(workspace.dir, "proto/gen", path.replace(/\.proto$/, ".ts")));
}
