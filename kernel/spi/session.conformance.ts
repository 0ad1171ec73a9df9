import assert from "node:assert/strict";
import { z } from "zod";
import type { Running } from "../core/plugin.ts";
import { type Ports, systemPorts } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import type { SessionKind, Sessions } from "./session.ts";

/** Sessions as several processes see them. */
export interface SessionSubject {
  /** Starts the plugin once more, as another process would; one that shares nothing gives the same again. */
  open(ports: Ports): Promise<Running<Sessions>>;
}

const schema = z.strictObject({ user: z.string(), cart: z.array(z.string()) });
type Data = z.output<typeof schema>;
const kind: SessionKind<Data> = { name: "browser", schema, idleMs: 1000, maxMs: 10_000 };
const empty: Data = { user: "ann", cart: [] };
const adding = (item: string) => (data: Data) => ({ ...data, cart: [...data.cart, item] });

type Check = (one: Sessions, two: Sessions, ports: VirtualPorts) => Promise<void>;

const law = (law: string, check: Check) => ({
  law,
  async check({ open }: SessionSubject) {
    const moved = virtualPorts();
    const ports = { ...moved, timers: systemPorts.timers, ids: systemPorts.ids };
    const [one, two] = [await open(ports), await open(ports)];
    try {
      await check(one.api, two.api, moved);
    } finally {
      await two.stop?.();
      await one.stop?.();
    }
  },
});

/** What all sessions keep to, as seen by two processes that use them. */
export const sessionConformance = conformance<SessionSubject>("session", [
  law("gives a new session to whoever knows its id", async (one, two, { clock }) => {
    const made = await one.create(kind, empty);
    assert.deepEqual(made, {
      ...{ id: made.id, data: empty, revision: 1, createdAt: clock.wall() },
      ...{ expiresAt: clock.wall() + 1000, endsAt: clock.wall() + 10_000 },
    });
    assert.deepEqual(await two.get(kind, made.id), made);
  }),
  law("makes ids that nobody can guess, and knows no others", async (one) => {
    const all = await Promise.all(Array.from({ length: 50 }, () => one.create(kind, empty)));
    assert.equal(new Set(all.map(({ id }) => id)).size, 50);
    for (const { id } of all) assert.ok(Buffer.from(id, "base64url").length >= 32, id);
    for (const id of ["", "a", "a".repeat(5000), "ä\u0000'*", `${all[0]?.id}a`])
      assert.equal(await one.get(kind, id), undefined);
  }),
  law("keeps kinds apart", async (one, two) => {
    const { id } = await one.create(kind, empty);
    assert.equal(await two.get({ ...kind, name: "admin" }, id), undefined);
    await two.destroy({ ...kind, name: "admin" }, id);
    assert.ok(await two.get(kind, id));
  }),
  law("ends a session that is not used, and puts that off with every use", async (one, two, ports) => {
    const [used, idle] = [await one.create(kind, empty), await one.create(kind, empty)];
    for (let i = 0; i < 3; i++) {
      await ports.advance(600);
      assert.equal((await (i % 2 ? one : two).get(kind, used.id))?.expiresAt, ports.clock.wall() + 1000);
    }
    assert.equal(await one.get(kind, idle.id), undefined);
    assert.equal(await one.update(kind, idle.id, adding("x")), undefined);
    assert.equal(await one.regenerate(kind, idle.id), undefined);
  }),
  law("ends a session after its longest time however much it is used", async (one, _, ports) => {
    const { id } = await one.create(kind, empty);
    for (let at = 0; at < 9500; at += 500) {
      assert.ok(await one.get(kind, id));
      await ports.advance(500);
    }
    assert.equal((await one.update(kind, id, adding("x")))?.expiresAt, ports.clock.wall() + 500);
    await ports.advance(500);
    assert.equal(await one.get(kind, id), undefined);
  }),
  law("knows no idle time where there is none", async (one, _, ports) => {
    const lasting = { ...kind, idleMs: 0 };
    const { id, expiresAt, endsAt } = await one.create(lasting, empty);
    assert.equal(expiresAt, endsAt);
    await ports.advance(9999);
    assert.ok(await one.get(lasting, id));
    await ports.advance(1);
    assert.equal(await one.get(lasting, id), undefined);
  }),
  law("loses no change of many at once", async (one, two) => {
    const { id } = await one.create(kind, empty);
    const items = Array.from({ length: 40 }, (_, i) => `item ${i}`);
    await Promise.all(items.map((item, i) => (i % 2 ? one : two).update(kind, id, adding(item))));
    const { data, revision } = (await one.get(kind, id)) ?? { data: empty, revision: 0 };
    assert.deepEqual(data.cart.toSorted(), items.toSorted());
    assert.equal(revision, 41);
  }),
  law("loses no change to a read that puts the end off", async (one, two, ports) => {
    const { id } = await one.create(kind, empty);
    for (let i = 0; i < 10; i++) {
      await ports.advance(300);
      await Promise.all([one.update(kind, id, adding(`${i}`)), two.get(kind, id), one.get(kind, id)]);
    }
    assert.equal((await two.get(kind, id))?.data.cart.length, 10);
  }),
  law("replaces data only if they are those that were read", async (one, two) => {
    const read = await one.create(kind, empty);
    const next = await two.replace(kind, read, { user: "bob", cart: [] });
    assert.equal(next?.revision, 2);
    await assert.rejects(one.replace(kind, read, empty), { code: "ABORTED", reason: "SESSION_CHANGED" });
    assert.equal((await one.get(kind, read.id))?.data.user, "bob");
    await one.destroy(kind, read.id);
    assert.equal(next && (await two.replace(kind, next, empty)), undefined);
  }),
  law("gives a session another id, and ends the old one, but not its longest time", async (one, two, ports) => {
    const old = await one.create(kind, empty);
    await ports.advance(500);
    const next = await two.regenerate(kind, old.id, (data) => ({ ...data, user: "bob" }));
    assert.ok(next && next.id !== old.id);
    assert.deepEqual([next.data.user, next.createdAt, next.endsAt], ["bob", old.createdAt, old.endsAt]);
    assert.equal(await one.get(kind, old.id), undefined);
    assert.equal(await one.update(kind, old.id, adding("x")), undefined);
    assert.deepEqual((await one.get(kind, next.id))?.data, { user: "bob", cart: [] });
  }),
  law("gives one of several that regenerate at once the session", async (one, two) => {
    const { id } = await one.create(kind, empty);
    const all = await Promise.all(Array.from({ length: 6 }, (_, i) => (i % 2 ? one : two).regenerate(kind, id)));
    const alive = await Promise.all(all.map(async (made) => made && one.get(kind, made.id)));
    assert.equal(alive.filter((made) => made !== undefined).length, 1);
  }),
  law("ends a session that is destroyed, once and for all", async (one, two) => {
    const { id } = await one.create(kind, empty);
    await two.destroy(kind, id);
    await two.destroy(kind, id);
    assert.equal(await one.get(kind, id), undefined);
    assert.equal(await one.update(kind, id, adding("x")), undefined);
    assert.equal(await one.get(kind, id), undefined);
  }),
  law("refuses data that do not fit, and gives none that no longer fit", async (one) => {
    await assert.rejects(one.create(kind, { user: 1 } as unknown as Data), {
      code: "INVALID_ARGUMENT",
      message: /user: /,
    });
    const { id } = await one.create(kind, empty);
    await assert.rejects(
      one.update(kind, id, () => ({}) as Data),
      { code: "INVALID_ARGUMENT" },
    );
    assert.deepEqual((await one.get(kind, id))?.data, empty);
    assert.equal(await one.get({ ...kind, schema: z.strictObject({ other: z.string() }) }, id), undefined);
  }),
  law("keeps any text as it is", async (one, two) => {
    const user = "ä☃ \u0000 ' \" \\ $1 \u{1F600}";
    const { id } = await one.create(kind, { user, cart: ["x".repeat(100_000)] });
    assert.equal((await two.get(kind, id))?.data.user, user);
  }),
]);
