import { testInjections } from "./injecting.ts";
import { messageInjections, noticeInjections, outboxInjections, sagaInjections } from "./injections-messages.ts";

await testInjections("step by step", [
  ...sagaInjections,
  ...outboxInjections,
  ...messageInjections,
  ...noticeInjections,
]);
