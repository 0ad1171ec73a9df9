import type { EventData } from "node:test";

type Event = { readonly type: "test:fail"; readonly data: EventData.TestFail } | { readonly type: "other" };

/** A reporter of `node --test`: the files in which something failed, a line each, some more than once. */
export default async function* failedFiles(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type === "test:fail" && event.data.file) yield `${event.data.file}\n`;
  }
}
