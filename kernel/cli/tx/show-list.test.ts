import assert from "node:assert/strict";
import { it } from "node:test";
import type { TransactionSummary } from "../../contract/transaction/admin.ts";
import type { Infer } from "../../contract/types.ts";
import { showCounts, showList } from "./show-list.ts";
import { showView } from "./show-view.ts";
import { plainTerminal } from "./terminal.fixture.ts";

const gid = "01a1fee1-661c-7ad3-b1ad-f2e8d49feee4";
const keptBy = "shop.v1.Orders";
const summary: Infer<typeof TransactionSummary> = {
  ...{ gid, name: "gift", version: 1, strategy: "outbox", status: "committing", owner: "", trace: "" },
  ...{ createdAt: 1_000n, decidedAt: 1_000n, endedAt: 0n, deadlineAt: 0n, nextAt: 0n, leaseUntil: 0n, ageMs: 3_000n },
  ...{ attempts: 2, lastError: "it is away", stuck: false, paused: false, heuristic: "" },
  ...{ abortReason: "", abortMessage: "", abortStep: "", keptBy },
};

it("says in a list which transactions the outbox of a participant keeps", () => {
  const { lines, terminal } = plainTerminal();
  showList(terminal, { transactions: [summary, { ...summary, keptBy: "" }], more: false, silent: [] });
  assert.match(
    lines[1] ?? "",
    /^01a1fee1\S+ +gift +outbox +committing +3\.0 s +2 +in the outbox of shop\.v1\.Orders; it is away$/,
  );
  assert.match(lines[2] ?? "", / 2 +it is away$/);
});

it("fits a terminal, and never cuts what somebody may look for in the log", () => {
  const lastError = `${keptBy}: ${"the shelf has fallen over, ".repeat(4)}internal error bb557cf33a016f1b`;
  const one = { ...summary, keptBy: "", lastError, stuck: true };
  for (const width of [undefined, 80, 100, 140]) {
    const { lines, terminal } = plainTerminal(width);
    showList(terminal, { transactions: [one], more: false, silent: [] });
    assert.match(lines.join("\n"), / bb557cf33a016f1b$/);
    assert.equal(width === undefined, lines.length === 2);
    for (const line of lines) assert.ok(line.length <= (width ?? line.length), line);
  }
});

it("counts them apart", () => {
  const { lines, terminal } = plainTerminal();
  const one = { name: "gift", strategy: "outbox", status: "committing", count: 2n, stuck: 0n, oldestMs: 3_000n };
  const counts = [
    { ...one, keptBy: "" },
    { ...one, keptBy },
  ];
  showCounts(terminal, { counts, silent: [] });
  assert.match(lines[0] ?? "", / OLDEST +KEPT BY$/);
  assert.match(lines[1] ?? "", / the coordinator$/);
  assert.match(lines[2] ?? "", / the outbox of shop\.v1\.Orders$/);
  showCounts(terminal, { counts: counts.slice(0, 1), silent: [] });
  assert.match(lines[3] ?? "", / OLDEST$/);
});

it("says of one where it is kept, and that nobody hands it on any more", () => {
  const { lines, terminal } = plainTerminal();
  showView(terminal, gid, { summary, branches: [], events: [], silent: [] });
  assert.equal(lines[0], `gift ${gid}  committing`);
  assert.match(
    lines.join("\n"),
    /\n {2}kept +in the outbox of shop\.v1\.Orders; the coordinator has not heard of it\n/,
  );
  assert.match(lines.join("\n"), /\n {2}next try +once it is retried\n/);
});

it("says of what has ended nothing that only counts while it goes on", () => {
  const ended = { ...summary, keptBy: "", status: "aborted", endedAt: 2_000n, paused: true, stuck: true };
  const branch = {
    ...{ id: "b1", participant: keptBy, steps: ["order"], after: [], pivot: false, afterCommit: false },
    ...{ droppable: false, external: false, done: true, fence: [], prepared: [] },
  };
  const { lines, terminal } = plainTerminal();
  showView(terminal, gid, { summary: ended, branches: [branch], events: [], silent: [] });
  assert.equal(lines[0], `gift ${gid}  aborted`);
  assert.doesNotMatch(lines.join("\n"), /last error|done/);
});

it("counts one attempt, and puts below a branch of a narrow terminal what is known of it", () => {
  const branch = {
    ...{ id: "b2", participant: "shop.inventory.v1.StockOperations", steps: ["stock"], after: ["b1"], pivot: false },
    ...{ afterCommit: false, droppable: false, external: false, done: false, fence: [], prepared: [] },
    outbox: { branch: "b2", state: "exhausted", attempts: 1, lastError: "internal error bb557cf33a016f1b" },
  } as unknown as Parameters<typeof showView>[2]["branches"][number];
  const { lines, terminal } = plainTerminal(80);
  const event = { gid, at: 1_000n, what: "confirm", branch: "b2", participant: "shop.inventory.v1.StockOperations" };
  const events = [{ ...event, by: "", note: "take@1", name: "gift", strategy: "outbox", reason: "" }];
  showView(terminal, gid, { summary, branches: [branch], events, silent: [] });
  const text = lines.join("\n");
  assert.match(text, /\n\+0 ms {2}b2 confirm {2}shop\.inventory\.v1\.StockOperations {2}take@1$/);
  assert.match(text, /\n {2}b2 {2}shop\.inventory\.v1\.StockOperations {2}stock {2}after b1\n/);
  assert.match(text, /\n {4}given up after 1 attempt: internal error bb557cf33a016f1b\n/);
});
