import { background } from "../../call/call-context.ts";
import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf, operation, operations } from "../../contract/index.ts";
import type { DriveRequest } from "../../contract/transaction/participant.ts";
import { systemPorts } from "../../core/ports.ts";
import type { ExternalOperation, ExternalState, Performer } from "../../spi/perform.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { Balance, bankDatabase, Movement } from "../../testing/bank.ts";
import { keptLog } from "../../testing/logs.ts";
import type { TestPostgres } from "../../testing/postgres-server.ts";
import { createFence } from "./fence.ts";
import { participant } from "./participant.ts";
import { coordinatorHere, everything, sweeperOf } from "./sweep.fixture.ts";
import { sweep } from "./sweep.ts";

const cards = operations("test.card.v1.Cards", {
  pay: operation(Movement, Balance, { acts: "external", rejects: ["DECLINED"], undo: true }),
});
type Pay = (typeof cards)["operations"]["pay"];
type Asked = "reserve" | "confirm" | "cancel" | "undo" | "query";
type PaymentState = "reserved" | "confirmed" | "cancelled" | "undone";

/** A payment provider outside, which knows idempotency keys. */
export function provider(limit = 100n) {
  const payments = new Map<string, { state: PaymentState; cents: bigint }>();
  const seen: string[] = [];
  const loses = new Set<Asked>();
  const away = new Set<Asked>();
  const slow = new Map<Asked, { readonly come: () => void; readonly going: Promise<void> }>();
  const branchOf = (key: string) => key.slice(0, key.lastIndexOf(":"));

  async function come(what: Asked): Promise<void> {
    const held = slow.get(what);
    slow.delete(what);
    held?.come();
    await held?.going;
    if (away.has(what)) throw new StatusError("UNAVAILABLE", "the provider is away");
  }

  function heard(what: Asked, key: string): void {
    seen.push(`${what} ${key.split(":").slice(1).join(":")}`);
    if (loses.delete(what)) throw new StatusError("UNAVAILABLE", `the answer to ${what} is lost`);
  }

  /** Makes a payment that is there another. */
  const becomes = (what: Asked, state: PaymentState) => async (_input: unknown, _output: unknown, call: Context) => {
    await come(what);
    const key = call.idempotencyKey ?? "";
    const payment = payments.get(branchOf(key));
    if (payment) payment.state = state;
    heard(what, key);
  };

  const pay: ExternalOperation<Pay> = {
    async reserve({ cents }, call) {
      await come("reserve");
      if (cents > limit) call.reject("DECLINED");
      const branch = branchOf(call.idempotencyKey);
      if (!payments.has(branch)) payments.set(branch, { state: "reserved", cents });
      heard("reserve", call.idempotencyKey);
      return { cents };
    },
    confirm: becomes("confirm", "confirmed"),
    cancel: becomes("cancel", "cancelled"),
    undo: becomes("undo", "undone"),
    async query(_input, call): Promise<ExternalState<{ cents: bigint }>> {
      await come("query");
      const payment = payments.get(branchOf(call.idempotencyKey));
      if (!payment) return { state: "none" };
      const { state, cents } = payment;
      return state === "cancelled" || state === "undone" ? { state } : { state, output: { cents } };
    },
  };

  return {
    pay,
    payments,
    /** What it was asked, and under which keys. */
    seen,
    /** What it has heard of these is done, and the answer lost. */
    loses,
    /** It does none of these. */
    away,
    /** How the only payment stands. */
    state: () => [...payments.values()][0]?.state,
    /** Lets the next request of a kind wait. `asked` resolves once it has come. */
    holdsUp(what: Asked) {
      const asked = Promise.withResolvers<void>();
      const going = Promise.withResolvers<void>();
      slow.set(what, { come: asked.resolve, going: going.promise });
      return { asked: asked.promise, goOn: going.resolve };
    },
  };
}

export const everythingAway: readonly Asked[] = ["reserve", "confirm", "cancel", "undo", "query"];

interface DriveHow extends Partial<Pick<DriveRequest, "strategy" | "coordinator" | "asksNobody">> {
  readonly cents?: bigint;
  readonly operation?: string;
  readonly context?: Context;
}

/** A participant of which one operation pays at a provider, with what its coordinator and its sweeps know. */
export async function cardsAt(server: TestPostgres, own: (pay: ExternalOperation<Pay>) => object = (pay) => pay) {
  const test = await server.database();
  const { database, end } = await bankDatabase(test, {});
  await createFence(database.sql);
  const outside = provider();
  const coordinator = coordinatorHere();
  const performer = { operations: cards, database, perform: { pay: own(outside.pay) } } as unknown as Performer;
  const hosted = () => participant(performer, { timers: systemPorts.timers, asks: () => coordinator.identity });
  const log = keptLog();
  const drivenBy =
    (host: ReturnType<typeof hosted>) =>
    (
      gid: string,
      action: BranchAction,
      { cents = 30n, operation: name = "pay", context = background as Context, ...more }: DriveHow = {},
    ) => {
      const input = codecOf(Movement).encode({ account: "a", cents });
      const steps = [{ step: "pay", operation: name, version: 1, input }];
      const kept = { coordinator: coordinator.identity, transaction: "test", strategy: "tcc" };
      return host.drive({ gid, branch: "b1", action, steps, ...kept, ...more }, context);
    };
  const host = hosted();
  const sweeper = sweeperOf(host, coordinator, log);
  return {
    outside,
    coordinator,
    database,
    log,
    drive: drivenBy(host),
    /** The same participant in another process. */
    elsewhere: () => drivenBy(hosted()),
    sweep: () => sweep(host, sweeper, everything, background),
    /** Lets time pass for the rows of the fence. */
    age: (ms: number) =>
      database.sql`update mortise_fence set created_at = created_at - ${ms} * interval '1 millisecond'`,
    /** What the fence says of a branch, for example `reserve confirm`. */
    async fence(gid: string): Promise<string> {
      const rows = await database.sql<{ kind: string }[]>`
        select kind from mortise_fence where gid = ${gid} order by slot desc`;
      return rows.map(({ kind }) => kind).join(" ");
    },
    async [Symbol.asyncDispose]() {
      await end(0);
      await test.drop();
    },
  };
}
