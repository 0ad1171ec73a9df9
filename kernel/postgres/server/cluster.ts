import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../core/errors.ts";
import type { Account } from "../../processes/account.ts";
import { spawnGuarded } from "../../processes/guarded.ts";
import { isRunning, processIdentity } from "../../processes/identity.ts";
import { StoreError } from "../store-error.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { moveOnce } from "./move-once.ts";
import { canEnter } from "./reach.ts";

/** Where PostgreSQL keeps its data, ready to be served. */
export interface Cluster {
  /** PostgreSQL's own data directory. */
  readonly data: string;
  /** What to give PostgreSQL as its data directory when it is started in it. */
  readonly dataArgument: string;
  readonly password: string;
}

/** The superuser of every database we make. */
export const username = "mortise";

/** Nothing of the surroundings changes how the programs behave. */
export const plainEnv = { LC_ALL: "C", TZ: "UTC" };

const passwordFile = "mortise.password";

/**
 * Opens what is in `dataDir`, or makes it: UTF-8, sorted by code point, with a password of its own. It comes into being
 * by a rename, so a start that is cut off leaves nothing half made. Throws STORE_DATA_UNUSABLE or STORE_DATA_VERSION.
 */
export async function prepareCluster(
  dataDir: string,
  binaries: PostgresBinaries,
  account: Account | undefined,
  password: string,
): Promise<Cluster> {
  const data = join(dataDir, "data");
  return orUnusable(dataDir, async () => {
    mkdirSync(dataDir, { recursive: true });
    removeUnfinished(dataDir);
    if (!existsSync(data)) await create(dataDir, data, binaries, account, password);
    checkOwner(data);
    checkVersion(data, binaries.major);
    return { data, dataArgument: dataArgument(data, account), password: readPassword(data) };
  });
}

async function create(
  dataDir: string,
  data: string,
  binaries: PostgresBinaries,
  account: Account | undefined,
  password: string,
): Promise<void> {
  const unfinished = join(dataDir, `unfinished-${processIdentity(process.pid)}`);
  const fresh = join(unfinished, "data");
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(unfinished, "password"), password, { mode: 0o600 });
  if (account) for (const path of ["", "data", "password"]) chownSync(join(unfinished, path), account.uid, account.gid);
  try {
    await initialise(fresh, binaries.initdb, account);
    renameSync(join(unfinished, "password"), join(fresh, passwordFile));
    moveOnce(fresh, data);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

async function initialise(fresh: string, initdb: string, account: Account | undefined): Promise<void> {
  const args = ["-D", dataArgument(fresh, account), "-U", username, "--pwfile=../password", "--auth=scram-sha-256"];
  const form = ["--encoding=UTF8", "--locale=C", "--no-instructions"];
  const { output, exited } = spawnGuarded(initdb, [...args, ...form], {
    cwd: fresh,
    env: plainEnv,
    account,
    end: [{ signal: "INT", waitSeconds: 5 }],
  });
  const said = Promise.all(output.map((stream) => stream.setEncoding("utf8").toArray()));
  const exit = await exited;
  if ("code" in exit && exit.code === 0) return;
  const words = (await said).flat().join("").trim().split("\n").slice(-5).join("\n");
  throw new StoreError("STORE_START_FAILED", `initdb failed with ${JSON.stringify(exit)}:\n${words}\n`);
}

/**
 * The path of a data directory for a program that runs in it. Where its account may not enter the directories above,
 * the path leads through the working directory, which it was given before it changed its account (not so on Deno).
 */
function dataArgument(data: string, account: Account | undefined): string {
  if (!account || canEnter(realpathSync(data), account)) return realpathSync(data);
  if (process.platform === "linux" && !process.versions.deno) return "/proc/self/cwd";
  const problem = `PostgreSQL may not run as the superuser, and the account ${account.uid} may not enter ${data}.`;
  throw new StoreError("STORE_DATA_UNUSABLE", problem);
}

/** What starts left that were killed. */
function removeUnfinished(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    const [, identity] = /^unfinished-(.+)$/.exec(name) ?? [];
    if (identity && !isRunning(identity)) rmSync(join(dataDir, name), { recursive: true, force: true });
  }
}

/** PostgreSQL insists that its data belongs to whom it runs as. The superuser can run it as anybody. */
function checkOwner(data: string): void {
  const [own, owner] = [process.getuid?.(), statSync(data).uid];
  if (own === 0 || own === owner) return;
  throw new StoreError("STORE_DATA_UNUSABLE", `${data} belongs to account ${owner}, and this is account ${own}.`);
}

function checkVersion(data: string, major: string): void {
  const file = join(data, "PG_VERSION");
  if (!existsSync(file)) throw new StoreError("STORE_DATA_UNUSABLE", `${data} is not a data directory of PostgreSQL.`);
  const found = readFileSync(file, "utf8").trim();
  if (found === major) return;
  throw new StoreError(
    "STORE_DATA_VERSION",
    `${data} was made by PostgreSQL ${found}, and this is PostgreSQL ${major}.`,
  );
}

function readPassword(data: string): string {
  const file = join(data, passwordFile);
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  throw new StoreError("STORE_DATA_UNUSABLE", `${data} was not made by store/embedded: it lacks ${passwordFile}.`);
}

async function orUnusable<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError("STORE_DATA_UNUSABLE", `The data directory ${dataDir} cannot be used: ${reasonOf(cause)}.`, {
      cause,
    });
  }
}
