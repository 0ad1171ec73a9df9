import { testInjections } from "./injecting.ts";
import { messageInjections } from "./injections-messages.ts";
import { noticeInjections, outboxInjections } from "./injections-outbox.ts";
import { sagaInjections } from "./injections-sagas.ts";

await testInjections("step by step", [
  ...sagaInjections,
  ...outboxInjections,
  ...messageInjections,
  ...noticeInjections,
]);
