import assert from "node:assert/strict";
import { background } from "../../call/call-context.ts";
import { systemPorts } from "../../core/ports.ts";
import { sqlState } from "../../runtime/transaction/fence.ts";
import { inTransaction } from "../../runtime/transaction/in-transaction.ts";
import { participant } from "../../runtime/transaction/participant.ts";
import type { Performer } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import { reasonOf, unended } from "./reasons.ts";
import { requestOf, type Tried } from "./stage.ts";
import type { AnySubject } from "./subject.ts";
import { same, told } from "./verdict.ts";

const why: Readonly<Record<string, string>> = {
  "0A000": "XA cannot drive it: NOTIFY, LISTEN, temporary tables and cursors WITH HOLD end with their connection",
  "55000": "the server of the test allows no prepared transactions: set max_prepared_transactions",
};

/** Leaves an operation prepared on the real database, and rolls it back. Fails unless that is possible and nothing stays. */
export async function prepares(database: Database, subject: AnySubject, one: Tried): Promise<boolean> {
  const { operations } = subject;
  const performer: Performer = { operations, database, perform: subject.perform(database) as Performer["perform"] };
  const host = participant(performer, systemPorts);
  const drive = (action: "prepare" | "rollbackPrepared") => host.drive(requestOf(one, action), background);
  const observe = () => inTransaction(database, (tx) => subject.observe(tx));
  await inTransaction(database, async (tx) => subject.given?.[one.operation.name]?.(tx, one.input));
  const before = await observe();
  const reply = await drive("prepare").catch((error: unknown) => {
    const advice = why[sqlState(error)];
    const what = advice ? "cannot be prepared" : "throws before it is prepared";
    const text = `${one.operation.name} ${what}: ${reasonOf(error)}`;
    throw new Error(advice ? `${unended(text)}. ${advice}` : text, { cause: error });
  });
  if (reply.outcome !== "done") return false;
  const back = await drive("rollbackPrepared");
  assert.equal(back.outcome, "done", `${one.operation.name} was prepared and is not rolled back: ${told(back)}`);
  same(await observe(), before, `${one.operation.name} was prepared and rolled back, and something stays`);
  return true;
}
