import { StatusError } from "@mortise/kernel";

export const eventStreamType = "text/event-stream";

/** One event of a stream: a message has no name, the last one is called `end` or `problem`. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** Writes an event whose data has no line breaks, as JSON has none. */
export function writeEvent(data: Uint8Array | string, event?: string): Buffer {
  const head = event === undefined ? "data: " : `event: ${event}\ndata: `;
  return Buffer.concat([Buffer.from(head), Buffer.from(data), Buffer.from("\n\n")]);
}

/**
 * Reads a stream of events piece by piece (WHATWG HTML, "Interpreting an event stream"). Throws RESOURCE_EXHAUSTED for an
 * event longer than `maxBytes`.
 */
export function eventReader(maxBytes: number): (chunk: Uint8Array) => readonly ServerSentEvent[] {
  const utf8 = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string[] = [];
  return (chunk) => {
    const found: ServerSentEvent[] = [];
    const lines = (rest + utf8.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const given of lines) {
      const line = given.endsWith("\r") ? given.slice(0, -1) : given;
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") event = value;
      else if (name === "data" && line !== "") data.push(value);
      if (line !== "") continue;
      if (data.length > 0) found.push({ event, data: data.join("\n") });
      [event, data] = ["", []];
    }
    const held = data.reduce((sum, line) => sum + line.length, rest.length);
    if (held > maxBytes + 4096)
      throw new StatusError(
        "RESOURCE_EXHAUSTED",
        `an event is longer than the ${maxBytes} bytes maxMessageBytes allows`,
      );
    return found;
  };
}
