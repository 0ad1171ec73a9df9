import type { EventData } from "node:test";

type Event =
  | { readonly type: "test:summary"; readonly data: EventData.TestSummary }
  | { readonly type: "test:fail"; readonly data: EventData.TestFail }
  | { readonly type: "other" };

/**
 * A reporter of `node --test`: the test files that failed, a line each, some more than once. A file that ended has a summary;
 * one that did not has failed as a whole. Where a test is written says little: it may be a law that many files keep.
 */
export default async function* failedFiles(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const event of events) {
    const failed = event.type === "test:fail" || (event.type === "test:summary" && !event.data.success);
    if (failed && event.data.file?.endsWith(".test.ts")) yield `${event.data.file}\n`;
  }
}
