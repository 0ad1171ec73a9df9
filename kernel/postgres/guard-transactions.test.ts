import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql as fragment } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type TransactionSql } from "postgres";
import { eventually } from "../testing/eventually.ts";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { beginWith, guardTransactions } from "./guard-transactions.ts";

await onServer("guardTransactions", postgresServer, ({ url }) => {
  const sql = guardTransactions(postgres(url, { max: 2, onnotice: () => undefined, backoff: () => 0.01 }));
  const killer = postgres(url, { max: 1 });
  after(() => Promise.all([sql.end(), killer.end()]));
  const lost = { code: "CONNECTION_CLOSED" };

  async function kill(pid: number): Promise<void> {
    await killer`select pg_terminate_backend(${pid})`;
    await eventually(async () => (await killer`select 1 from pg_stat_activity where pid = ${pid}`).length === 0);
    await sleep(30); // what is under test happens in the turns of the event loop after the loss
  }

  async function pidOf(tx: TransactionSql): Promise<number> {
    const [row] = await tx`select pg_backend_pid() as pid`;
    return row?.pid as number;
  }

  /** postgres.js may give the error of a lost connection once more to the first query after it (57P01). */
  async function stillWorks(): Promise<void> {
    const numbers = await eventually(() =>
      Promise.all([1, 2, 3].map((n) => sql.begin((tx) => tx`select ${n}::int as n`))),
    );
    assert.deepEqual(
      numbers.map(([row]) => row?.n),
      [1, 2, 3],
    );
  }

  it("keeps no statement for a transaction that is prepared", async () => {
    const one = guardTransactions(postgres(url, { max: 1, onnotice: () => undefined }));
    const kept = async () => Number((await one`select count(*) as n from pg_prepared_statements`)[0]?.n);
    const prepared = async (name: string) => {
      await one.begin(async (tx) => {
        await tx`select 1`;
        await tx.prepare(name);
      });
      await one.unsafe(`rollback prepared '${name}'`);
    };
    await prepared("guard:0");
    const before = await kept();
    for (let n = 1; n < 5; n++) await prepared(`guard:${n}`);
    assert.equal(await kept(), before);
    await one.end();
  });

  describe("when the connection of a transaction is lost", () => {
    it("rejects a query that comes after a pause", async () => {
      await assert.rejects(
        sql.begin(async (tx) => {
          await kill(await pidOf(tx));
          await tx`select 1`;
        }),
        lost,
      );
      await stillWorks();
    });

    it("rejects a query under way, and what its transaction tries after it", async () => {
      const errors: unknown[] = [];
      await assert.rejects(
        sql.begin(async (tx) => {
          const pid = await pidOf(tx);
          const sleeping = tx`select pg_sleep(10)`.catch((error: unknown) => errors.push(error));
          await Promise.all([sleeping, kill(pid)]);
          for (const again of [
            () => tx`select 1`,
            () => tx.unsafe("select 1"),
            () => tx.savepoint((sp) => sp`select 1`),
          ]) {
            await again().catch((error: unknown) => errors.push(error));
          }
        }),
        (error: Error & { code?: string }) => ["CONNECTION_CLOSED", "ECONNRESET"].includes(error.code ?? ""),
      );
      await eventually(() => errors.length === 4);
      await stillWorks();
    });

    it("rejects a transaction that does not notice", async () => {
      await assert.rejects(
        sql.begin(async (tx) => {
          await kill(await pidOf(tx));
          return "done";
        }),
        lost,
      );
      await stillWorks();
    });

    it("rejects a savepoint and the transaction around it", async () => {
      let inner: unknown;
      await assert.rejects(
        sql.begin(async (tx) => {
          const pid = await pidOf(tx);
          await tx
            .savepoint(async (sp) => {
              await kill(pid);
              await sp`select 1`;
            })
            .catch((error: unknown) => {
              inner = error;
            });
        }),
        lost,
      );
      await sleep(1);
      assert.equal((inner as { code?: string }).code, "CONNECTION_CLOSED");
      await stillWorks();
    });

    it("rejects a transaction of drizzle", async () => {
      const orm = drizzle(guardTransactions(postgres(url, { max: 1, backoff: () => 0.01 })));
      await assert.rejects(
        orm.transaction(async (tx) => {
          const [row] = await tx.execute<{ pid: number }>(fragment`select pg_backend_pid() as pid`);
          await tx.transaction(async (nested) => {
            await kill(row?.pid ?? 0);
            await nested.execute(fragment`select 1`);
          });
        }),
        lost,
      );
      assert.equal((await orm.execute(fragment`select 1`)).length, 1);
      await orm.$client.end();
    });
  });

  describe("otherwise", () => {
    it("leaves transactions as they are", async () => {
      await sql`create table if not exists guard_notes (id int primary key, text text)`;
      const rows = [{ id: 1, text: "a" }];
      const result = await sql.begin("isolation level serializable", async (tx) => {
        await tx`insert into guard_notes ${tx(rows)}`;
        await tx
          .savepoint(async (sp) => {
            await sp`insert into ${sp("guard_notes")} values (2, 'undone')`;
            throw new Error("as planned");
          })
          .catch(() => undefined);
        const two = await tx.savepoint("named", (sp) => sp`insert into guard_notes values (3, ${"kept"}) returning id`);
        assert.equal(two[0]?.id, 3);
        return tx`select id from guard_notes order by id`;
      });
      assert.deepEqual(
        result.map(({ id }) => id),
        [1, 3],
      );
      await assert.rejects(
        sql.begin(async (tx) => {
          await tx`delete from guard_notes`;
          await tx`select * from nowhere`;
        }),
        { code: "42P01" },
      );
      const both = await sql.begin((tx) => [tx`select 1 as n`, tx`select count(*)::int as n from guard_notes`]);
      assert.deepEqual(
        both.map(([row]) => row?.n),
        [1, 2],
      );
      await sql`drop table guard_notes`;
    });

    it("streams and prepares as before", async () => {
      const seen: number[] = [];
      await sql.begin(async (tx) => {
        for await (const chunk of tx`select generate_series(1, 5) as n`.cursor(2)) seen.push(chunk.length);
      });
      assert.deepEqual(seen, [2, 2, 1]);
    });

    it("refuses queries of a transaction that is over", async () => {
      const over = await sql.begin(async (tx) => {
        await tx`select 1`;
        return { tx };
      });
      await assert.rejects(async () => over.tx`select 1`, lost);
    });
  });

  describe("a transaction whose begin is not waited for", () => {
    const along = { text: "set local lock_timeout = 1234", ahead: true };
    const timeout = (tx: TransactionSql) => tx<{ it: string }[]>`select current_setting('lock_timeout') as it`;

    it("has in it what went along with its begin, and nothing is left of it", async () => {
      await sql`create table if not exists ahead_notes (id int)`;
      const seen = await beginWith(sql, along, () =>
        sql.begin(async (tx) => {
          const [[set], [row]] = await Promise.all([timeout(tx), tx`insert into ahead_notes values (1) returning id`]);
          return [set?.it, row?.id];
        }),
      );
      assert.deepEqual(seen, ["1234ms", 1]);
      const failing = beginWith(sql, along, () =>
        sql.begin(async (tx) => {
          await tx`insert into ahead_notes values (2)`;
          throw new Error("as planned");
        }),
      );
      await assert.rejects(failing, /as planned/);
      assert.equal((await sql.begin(timeout))[0]?.it, "0");
      assert.deepEqual([...(await sql`select id from ahead_notes`)], [{ id: 1 }]);
      await sql`drop table ahead_notes`;
    });

    it("is waited for where it does not go ahead, and has the same in it", async () => {
      const waiting = beginWith(sql, { ...along, ahead: false }, () => sql.begin(timeout));
      assert.equal((await waiting)[0]?.it, "1234ms");
      let reached = false;
      const failing = beginWith(sql, { text: "set local lock_timeout = 'nonsense'", ahead: false }, () =>
        sql.begin(() => (reached = true)),
      );
      await assert.rejects(failing, { code: "22023" });
      assert.equal(reached, false);
      await stillWorks();
    });

    it("keeps its connection for itself", async () => {
      const ids = await Promise.all(
        Array.from({ length: 40 }, async (_, n) => {
          if (n % 4 === 3) return String((await sql`select pg_current_xact_id()::text as id`)[0]?.id);
          return beginWith(sql, along, () =>
            sql.begin(async (tx) => {
              const both = await Promise.all([1, 2].map(() => tx`select pg_current_xact_id()::text as id`));
              const [third] = await tx`select pg_current_xact_id()::text as id`;
              const seen = new Set([...both.map(([row]) => row?.id), third?.id]);
              assert.equal(seen.size, 1);
              return String(third?.id);
            }),
          );
        }),
      );
      assert.equal(new Set(ids).size, 40);
    });

    it("rejects when it cannot begin, and what was sent with it is in no transaction", async () => {
      const seen: unknown[] = [];
      const begun = beginWith(sql, { text: "set local lock_timeout = 'nonsense'", ahead: true }, () =>
        sql.begin(async (tx) => {
          seen.push((await timeout(tx))[0]?.it);
          return "done";
        }),
      );
      await assert.rejects(begun, { code: "22023" });
      await stillWorks();
      assert.deepEqual(seen, []);
    });

    it("rejects when its connection is lost", async () => {
      const begun = beginWith(sql, along, () =>
        sql.begin(async (tx) => {
          await kill(await pidOf(tx));
          await tx`select 1`;
        }),
      );
      await assert.rejects(begun, lost);
      await stillWorks();
    });

    it("comes first in a transaction of a transaction", async () => {
      const nested = (tx: TransactionSql) => beginWith(tx, along, () => tx.savepoint(timeout));
      assert.equal((await sql.begin(nested))[0]?.it, "1234ms");
    });

    it("is refused for a client whose transactions are not guarded", () => {
      assert.throws(() => beginWith(killer, along, () => undefined), TypeError);
    });
  });
});
