import assert from "node:assert/strict";
import { it } from "node:test";
import { nothing } from "../../spi/one-statement.ts";
import type { LocalOperation } from "../../spi/perform.ts";
import { onServer } from "../on-server.ts";
import { postgresServer } from "../postgres-server.ts";
import { bankSubject } from "./bank-subject.fixture.ts";
import { operationLaws } from "./operation-conformance.ts";

await onServer(
  "laws of operations that check nothing",
  () => postgresServer({ ours: true }),
  (server) => {
    it("say why", async () => {
      const subject = bankSubject(server);
      const { laws, end } = operationLaws({
        ...subject,
        perform: (database) => {
          const { take, put } = subject.perform(database);
          const { reserveMany: _, ...alone } = put as LocalOperation;
          return { take, put: { ...alone, confirm: nothing } } as never;
        },
      } as Parameters<typeof operationLaws>[0]);
      const why = (law: string) => laws.find((one) => one.operation === "put" && one.law === law)?.check();
      const moot = {
        "reserve, then confirm, is the same as apply": "put has no apply of its own: reserve and confirm run in one",
        "confirm changes something": "confirm of put is `nothing`",
        "what says no leaves nothing": "put declares no rejects",
        "many at once are the same as one after the other": "put has no reserveMany",
        "reserve, then cancel, is nothing": undefined,
      };
      for (const [law, said] of Object.entries(moot)) assert.equal(await why(law), said);
      await end();
    });
  },
);
