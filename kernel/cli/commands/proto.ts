import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { aheadOfTimeSource } from "../../contract/aot.ts";
import { ContractError } from "../../contract/message.ts";
import type { Contract } from "../../contract/proto/files.ts";
import { protoFiles } from "../../contract/proto/print.ts";
import {
  checkProtoFiles,
  contractModules,
  contractsIn,
  describeDrift,
  type ProtoDrift,
  writeProtoFiles,
} from "../../contract/proto/write.ts";
import { type ExitCode, exitCodes, UserError } from "../exit.ts";
import type { World } from "../world.ts";

export interface ProtoFlags {
  readonly out: string;
  readonly check?: boolean;
  readonly aot?: boolean;
}

/** Where codecs made ahead of time stand in the output folder. */
const aotFile = "contracts.aot.ts";

/** Writes the `.proto` files of contract modules, or checks that they are what the contracts say. */
export async function proto(world: World, modules: readonly string[], flags: ProtoFlags): Promise<ExitCode> {
  const contracts = await readContracts(modules, flags.out);
  const files = protoFiles(contracts);
  const codecs = flags.aot ? aheadOfTimeSource(contracts) : undefined;
  if (flags.check)
    return report(world, await checkProtoFiles(flags.out, files), await aotDrift(flags.out, codecs), flags);
  const written = await writeProtoFiles(flags.out, files);
  if (codecs !== undefined) await writeFile(join(flags.out, aotFile), codecs);
  for (const { path } of written)
    world.terminal.out(`${files.has(path) ? "wrote" : "removed"} ${join(flags.out, path)}`);
  if (codecs !== undefined) world.terminal.out(`wrote ${join(flags.out, aotFile)}`);
  else if (written.length === 0) world.terminal.out(`${files.size} files in ${flags.out} are what the contracts say`);
  return exitCodes.ok;
}

async function readContracts(modules: readonly string[], out: string): Promise<readonly Contract[]> {
  const paths = modules.length > 0 ? modules : await contractModules(out);
  if (paths.length === 0) {
    throw new UserError(
      `no contract modules in ${out}; name them: mortise proto <modules...>, or their folder with --out`,
    );
  }
  try {
    return await contractsIn(paths);
  } catch (error) {
    if (error instanceof ContractError) throw new UserError(error.message, exitCodes.problems);
    throw error;
  }
}

async function aotDrift(out: string, codecs: string | undefined): Promise<ProtoDrift[]> {
  if (codecs === undefined) return [];
  const actual = await readFile(join(out, aotFile), "utf8").catch(() => undefined);
  if (actual === codecs) return [];
  return [{ path: aotFile, line: 1, expected: codecs.split("\n")[0], actual: actual?.split("\n")[0] }];
}

function report(
  { terminal }: World,
  drift: readonly ProtoDrift[],
  aot: readonly ProtoDrift[],
  flags: ProtoFlags,
): ExitCode {
  const all = [...drift, ...aot];
  if (all.length === 0) return exitCodes.ok;
  const command = `mortise proto${flags.out === "proto" ? "" : ` --out ${flags.out}`}${flags.aot ? " --aot" : ""}`;
  terminal.err(describeDrift(all, flags.out, command));
  return exitCodes.problems;
}
