import assert from "node:assert/strict";
import { it } from "node:test";
import type { TransactionSummary } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { mostAlike, wholeGid } from "./whole-gid.ts";

const one = "01a1fee1-661c-7ad3-b1ad-f2e8d49feee4";
const two = "01a1fee1-661c-7ad3-91d0-0b1bd49feee4";
const three = "01a1fee1-661c-7ad3-8f00-3a9a9d3b1c77";
const away = { participant: "shop.v1.Orders", why: "it is down", code: "UNAVAILABLE" };

/** As an older process lists them, which does not know that an end was asked for. */
const listOf = (...gids: string[]) => {
  const transactions = gids.map(
    (gid) => ({ gid, name: "gift", status: "committing" }) as Infer<typeof TransactionSummary>,
  );
  return async () => ({ transactions, silent: [] });
};
const nothingAsked = () => assert.fail("nobody is asked");

it("finds the one transaction that ends so, among others that do not", async () => {
  assert.equal(await wholeGid("9d3b1c77", listOf(one, two, three)), three);
  assert.equal(await wholeGid("b1ad-f2e8d49feee4", listOf(one, two)), one);
});

it("says which there are where it is not clear which is meant", async () => {
  await assert.rejects(wholeGid("d49feee4", listOf(one, two, three)), {
    code: "INVALID_ARGUMENT",
    message: `2 transactions end with d49feee4; write more of the one that is meant:\n  ${one}  gift committing\n  ${two}  gift committing`,
  });
  const many = Array.from({ length: mostAlike }, (_, n) => `01a1fee1-661c-7ad3-8f0${n}-3a9a9d3b1c77`);
  await assert.rejects(wholeGid("9d3b1c77", listOf(...many)), /^StatusError: at least 10 transactions end with/);
});

it("says where there is none, and who could not tell", async () => {
  await assert.rejects(wholeGid("00000000", listOf(one)), {
    code: "NOT_FOUND",
    message: "no transaction that is kept ends with 00000000; one without a record is named by its whole id",
  });
  const silent = async () => ({ transactions: [], silent: [away] });
  await assert.rejects(wholeGid("00000000", silent), /ends with 00000000, but shop\.v1\.Orders did not tell; /);
});

it("takes whole ids as they are, and upper case for lower", async () => {
  for (const given of [one, one.toUpperCase()]) assert.equal(await wholeGid(given, nothingAsked), one);
  assert.equal(await wholeGid("9D3B1C77", listOf(one, two, three)), three);
});

it("says of what is no end of an id how one is written", async () => {
  for (const given of ["12", "1234567", "placeOrder", `${one}0`, ""])
    await assert.rejects(wholeGid(given, nothingAsked), {
      code: "INVALID_ARGUMENT",
      message: `"${given}" is no id of a transaction; write all 36 signs of it, or at least the last 8`,
    });
});
