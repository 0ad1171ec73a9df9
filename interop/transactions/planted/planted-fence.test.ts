import { testPlanted } from "./planting.ts";

await testPlanted([
  "confirmBeforeDecision",
  "decisionWithoutCompare",
  "noTombstone",
  "tombstoneRemoved",
  "statementTwice",
  "fenceOutside",
  "separateSlots",
  "goneIsCommitted",
  "outboxDeletedOnPublish",
]);
