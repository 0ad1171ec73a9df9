import { testPlanted } from "./planting.ts";

await testPlanted([
  "confirmBeforeDecision",
  "decisionWithoutCompare",
  "noTombstone",
  "tombstoneRemoved",
  "fenceOutside",
  "separateSlots",
  "goneIsCommitted",
  "outboxDeletedOnPublish",
]);
