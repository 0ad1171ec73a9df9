import { testPlanted } from "./planting.ts";

await testPlanted([
  "resultNotStored",
  "checkBackBySelect",
  "nullRunsBusiness",
  "endBeforeConfirms",
  "guessedCommit",
  "unilateralCommit",
  "unilateralAbort",
  "sweepOfTheActive",
  "strategyNotPinned",
  "inquiryForgets",
]);
