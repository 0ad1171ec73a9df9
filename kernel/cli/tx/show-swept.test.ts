import assert from "node:assert/strict";
import { it } from "node:test";
import { showHeld, showSwept } from "./show-swept.ts";
import { plainTerminal } from "./terminal.fixture.ts";

it("says of a participant that holds more than one sweep goes through that there are younger ones", () => {
  const { lines, terminal } = plainTerminal();
  const one = { participant: "shop.v1.Stock", gids: ["g1"], ended: 1, foreign: [], failed: [], closed: [] };
  const report = { participants: [{ ...one, more: true }, one], silent: [] };
  showSwept(terminal, report, { end: true, olderThan: "1m" });
  assert.deepEqual(lines, [
    "shop.v1.Stock  1 left behind, 1 ended",
    "               g1",
    "               (and younger ones, which are looked at once some of these are gone)",
    "shop.v1.Stock  1 left behind, 1 ended",
    "               g1",
  ]);
});

it("says of what was closed what participants still hold of it, and how", () => {
  const branch = (id: string, ...kinds: readonly string[]) => {
    const fence = kinds.map((kind, i) => ({ slot: i === 0 ? "R" : "F", kind }));
    return { id, participant: "shop.v1.Cards", fence, prepared: [] };
  };
  const branches = [
    branch("b1", "reserve"),
    branch("b2", "reserve", "confirm"),
    branch("b3", "intent"),
    branch("b4", "intent", "cancel"),
    branch("b5", "tombstone", "cancel"),
    { ...branch("b6"), prepared: ["g1:b6"] },
    branch("b7"),
  ];
  const errors: string[] = [];
  const { terminal } = plainTerminal(undefined, errors);
  showHeld(terminal, { branches, silent: [] } as unknown as Parameters<typeof showHeld>[1], "");
  assert.deepEqual(errors.slice(0, -1), [
    "shop.v1.Cards still holds b1 (set aside)",
    "shop.v1.Cards still holds b3 (perhaps done outside)",
    "shop.v1.Cards still holds b4 (perhaps done outside)",
    "shop.v1.Cards still holds b6 (prepared, with its locks)",
  ]);
});

it("says of what was closed what is still held, and what nobody has done", () => {
  const row = (kind: string, slot = "R") => ({
    branch: "",
    slot,
    kind,
    strategy: "saga",
    operations: "",
    createdAt: 0n,
  });
  const planned = { after: [], pivot: false, afterCommit: false, droppable: false, external: false, prepared: [] };
  const branch = (id: string, participant: string, ...fence: ReturnType<typeof row>[]) => ({
    ...{ ...planned, id, participant, fence, steps: ["points"], done: false },
  });
  const branches = [
    branch("b1", "shop.v1.Orders", row("apply")),
    branch("b2", "shop.v1.Stock", row("reserve")),
    branch("b5", "shop.v1.Points"),
    branch("b6", "shop.v1.Mail"),
  ];
  const silent = [{ participant: "shop.v1.Mail", why: "it is down", code: "UNAVAILABLE" }];
  const held = (status: string, only = "") => {
    const errors: string[] = [];
    const summary = { status } as NonNullable<Parameters<typeof showHeld>[1]["summary"]>;
    showHeld(plainTerminal(undefined, errors).terminal, { summary, branches, events: [], silent }, only);
    return errors;
  };
  const stock = "shop.v1.Stock still holds b2 (set aside)";
  const advice = "the sweep leaves that alone; `mortise tx sweep --end --closed --reason …` ends it as it was decided";
  const points = "shop.v1.Points has not done b5 points, and nobody will";
  const mail = "shop.v1.Mail does not say whether it holds anything: it is down";
  assert.deepEqual(held("committed"), [stock, advice, points, mail]);
  assert.deepEqual(held("aborted"), [stock, advice, mail]);
  assert.deepEqual(held("committing", "b5"), [points, mail]);
});
