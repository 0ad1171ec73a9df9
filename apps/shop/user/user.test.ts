import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import { User } from "@mortise/proto/shop/user";
import { Services, testSessions, testStore } from "../shared/services.fixture.ts";
import { user } from "./user.ts";

const store = await testStore();
const services = new Services();
after(() => services.stop());
await services.start(user, { store, session: await testSessions(store) });
const users = services.client(User);
const { sql } = await store.database("shop_user");
const { sql: sessions } = await store.database("session");

let made = 0;
const person = () => ({ name: "Ada", email: `ada${++made}@example.org`, password: "correct horse" });
const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;

describe("the user service", () => {
  it("knows a session until it is closed", async () => {
    const { token, account } = await users.register(person());
    assert.deepEqual(await users.checkSession({ token }), account);
    await users.logout({ token });
    await users.logout({ token });
    await assert.rejects(users.checkSession({ token }), reason("NO_SESSION"));
  });

  it("does not know a session that is over", async () => {
    const { token } = await users.register(person());
    await sessions`update mortise_session set expires_at = 0`;
    await assert.rejects(users.checkSession({ token }), reason("NO_SESSION"));
  });

  it("keeps neither passwords nor tokens as they are", async () => {
    const given = person();
    const { token } = await users.register(given);
    const rows = [...(await sql`select * from users`), ...(await sessions`select * from mortise_session`)];
    const kept = JSON.stringify(rows);
    assert.ok(!kept.includes(given.password));
    assert.ok(!kept.includes(token));
    assert.match(kept, /\$argon2id\$/);
  });

  it("opens one account per address, however many ask at once and however it is written", async () => {
    const given = person();
    const spelled = [given.email, given.email.toUpperCase(), ` ${given.email}`];
    const all = await Promise.allSettled(spelled.map((email) => users.register({ ...given, email })));
    assert.equal(all.filter((one) => one.status === "fulfilled").length, 1);
    await assert.rejects(users.register(given), reason("EMAIL_TAKEN"));
  });

  it("says the same whether the address or the password is wrong", async () => {
    const given = person();
    await users.register(given);
    const said = async (email: string, password: string) =>
      users.login({ email, password }).catch((error) => error.message);
    assert.equal(await said(given.email, "wrong horse"), await said("nobody@example.org", given.password));
    assert.equal((await users.login(given)).account.email, given.email);
  });

  it("changes a name, and finds nobody for an id that is none", async () => {
    const { account } = await users.register(person());
    const changed = await users.updateProfile({ userId: account.id, name: " Ada  King " });
    assert.equal(changed.name, "Ada King");
    assert.deepEqual(await users.getProfile({ userId: account.id }), changed);
    for (const userId of ["", "x", "00000000-0000-0000-0000-000000000000"])
      await assert.rejects(users.getProfile({ userId }), reason("NO_SUCH_USER"));
  });
});
