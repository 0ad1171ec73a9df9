import assert from "node:assert/strict";
import { it } from "node:test";
import { showActed } from "./show-acted.ts";

const [one, two, three] = [
  "01a1fee1-661c-7ad3-b1ad-f2e8d49feee4",
  "01a1fee1-661c-7ad3-91d0-0b1b0a4c7d11",
  "01a1fee1-661d-7ad3-8f00-3a9a9d3b1c77",
] as const;

function said(acted: Partial<Parameters<typeof showActed>[2]>, named?: Parameters<typeof showActed>[3]): string[] {
  const lines: string[] = [];
  const terminal = { out: (line: string) => void lines.push(line) };
  showActed(terminal, "due at once", { gids: [], outboxRows: 0, paused: [], silent: [], ...acted }, named);
  return lines;
}

it("says what was done, and how much of the outbox", () => {
  assert.deepEqual(said({ gids: [one] }), [`${one} is due at once`]);
  assert.deepEqual(said({ gids: [one], outboxRows: 1 }), [`${one} is due at once, with 1 row of the outbox`]);
  assert.deepEqual(said({ gids: [one, two], outboxRows: 2 }), [
    "2 transactions are due at once, with 2 rows of the outbox",
  ]);
  assert.deepEqual(said({}), ["0 transactions are due at once"]);
});

it("says of what is paused that nobody takes it on, and what to do", () => {
  const alone = `${one} is paused: nobody takes it on until you \`mortise tx resume ${one}\``;
  assert.deepEqual(said({ gids: [one], paused: [one] }), [alone]);
  assert.deepEqual(said({ gids: [one], paused: [one], outboxRows: 2 }), [
    alone,
    "2 rows of the outbox are due at once all the same",
  ]);
  assert.deepEqual(said({ gids: [one, two], paused: [one] }, { name: "gift" }), [`${two} is due at once`, alone]);
  assert.deepEqual(said({ gids: [one, two, three], paused: [two, three] }, { name: "gift", strategy: "tcc" }), [
    `${one} is due at once`,
    "2 transactions are paused: nobody takes them on until you `mortise tx resume --name gift --strategy tcc`",
  ]);
});
