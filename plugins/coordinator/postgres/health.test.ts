import assert from "node:assert/strict";
import { it } from "node:test";
import { eventually, onServer, postgresServer } from "@mortise/kernel/testing";
import connect from "postgres";
import { openOn } from "./processes.fixture.ts";

const senders = { wal_level: "logical", max_wal_senders: "4", max_replication_slots: "4" };
/** A short time-out makes senders ask soon what their standby has. */
const settings = { fsync: "on", wal_sender_timeout: "6000", ...senders };

await onServer(
  "coordinator/postgres on a server with disks and standbys",
  () => postgresServer({ ours: true, settings }),
  (server) => {
    it("tells whether decisions are on disk, and whether a standby has them as well", async () => {
      const database = await server.database();
      const { api, sql, stop } = await openOn(database);
      const waitFor = async (names: string) => {
        await sql.unsafe(`alter system set synchronous_standby_names = '${names}'`);
        await sql`select pg_reload_conf()`;
        await eventually(async () => {
          const [row] = await sql`select current_setting('synchronous_standby_names') as names`;
          return row?.names === names;
        });
      };
      assert.deepEqual(await api.health(), { durable: true, replicated: false });

      await sql`create publication everything for all tables`;
      const mirror = connect(database.url, {
        connection: { application_name: "mirror" },
        publications: "everything",
        onnotice: () => undefined,
      });
      const following = await mirror.subscribe("*", () => undefined);
      assert.deepEqual(await api.health(), { durable: true, replicated: false }); // nobody waits for it

      await waitFor("mirror");
      await eventually(async () => (await api.health()).replicated);

      await waitFor("another");
      assert.deepEqual(await api.health(), { durable: true, replicated: false });

      await waitFor("");
      following.unsubscribe();
      await mirror.end({ timeout: 1 });
      await stop();
      await server.shutdown(); // ends what still follows
      await server.restart();
      await database.drop();
    });
  },
);
