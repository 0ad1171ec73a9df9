import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { backgroundOf } from "../../call/call-context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/index.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import { builtInStrategies } from "../../contract/transaction/strategy.ts";
import type { TransactionRecord } from "../../spi/coordinator.ts";
import { inTwoPhases } from "../../spi/driving.ts";
import { keptCoordinator } from "../../spi/kept-transactions.ts";
import { bankTransactions, Payment } from "../../testing/bank-app.ts";
import { silentLog } from "../../testing/logs.ts";
import { twoPhases } from "../../testing/test-strategies.ts";
import { type VirtualPorts, virtualPorts } from "../../testing/virtual-ports.ts";
import { branchesOf } from "./branches.ts";
import { forceDecision } from "./force.ts";
import { done } from "./kept.ts";
import type { TransactionNode } from "./node.ts";

const away = (participant: string) => new StatusError("UNAVAILABLE", `no instance of ${participant}`);

/** One that is undecided, with participants that answer as they are told to. */
async function undecided(ports: VirtualPorts, ask: (branch: string) => Promise<DriveReply>) {
  const now = () => ports.clock.now();
  const coordinator = keptCoordinator({ records: new Map(), ended: [], audits: [], now }, 10);
  const { collect } = bankTransactions;
  const gid = randomUUID();
  const input = codecOf(Payment).encode({ from: "alice", to: "bob", cents: 1n, sponsor: "carol" });
  const begun = { gid, name: "collect", version: 1, strategy: "two-phases", input, outputs: {}, trace: "" };
  const branches = branchesOf(collect as never).main;
  await coordinator.begin({ ...begun, branches, status: "active", deadlineMs: undefined }, "nobody", 1);
  const node = {
    ...{ owner: "here", ports, log: silentLog, at: () => undefined, tracer: () => undefined },
    options: { attempts: 1_000, backoffMs: 50, maxBackoffMs: 2_000, driveTimeoutMs: 5_000 },
    coordinator: () => coordinator,
    strategy: () => inTwoPhases(builtInStrategies.tcc, twoPhases),
    initiated: new Map([["collect", collect]]),
    ask: async (_: string, { branch }: { branch: string }) => ask(branch),
  } as unknown as TransactionNode;
  const record = (await coordinator.get(gid)) as TransactionRecord;
  const call = backgroundOf(ports).with({ timeoutMs: 10_000 });
  return { coordinator, gid, branches, call, commit: forceDecision(node, record, "committing", call) };
}

it("gives a forced commit up before its call is over where a participant is away, and decides nothing then", async () => {
  const ports = virtualPorts();
  let there = false;
  const { coordinator, gid, branches, call, commit } = await undecided(ports, async (branch) => {
    if (branch === "b2" && !there) throw away("test.bank.v1.Second");
    return done();
  });
  const second = branches.find(({ id }) => id === "b2");
  const steps = second?.steps.map(({ step }) => step).join("+");
  await assert.rejects(ports.settle(commit()), {
    code: "UNAVAILABLE",
    retryable: false,
    message: `${second?.participant} has not voted (b2 ${steps}): no instance of test.bank.v1.Second. Nothing was decided.`,
  });
  assert.ok(ports.clock.now() < call.deadline);
  there = true;
  await ports.advance(600_000);
  assert.equal((await coordinator.get(gid))?.status, "active");
});

it("decides nothing where the last vote comes after the answer", async () => {
  const ports = virtualPorts();
  const late = Promise.withResolvers<DriveReply>();
  const { coordinator, gid, commit } = await undecided(ports, (branch) =>
    branch === "b2" ? late.promise : Promise.resolve(done()),
  );
  await assert.rejects(ports.settle(commit()), { message: /b2 .*has not answered yet\. Nothing was decided\.$/ });
  late.resolve(done());
  await ports.advance(600_000);
  assert.equal((await coordinator.get(gid))?.status, "active");
});

it("commits as soon as a participant is back that was away", async () => {
  const ports = virtualPorts();
  let asked = 0;
  const { coordinator, gid, commit } = await undecided(ports, async () => {
    asked += 1;
    if (asked < 9) throw away("all");
    return done();
  });
  assert.equal(await ports.settle(commit()), "committing");
  assert.equal((await coordinator.get(gid))?.status, "committing");
});
