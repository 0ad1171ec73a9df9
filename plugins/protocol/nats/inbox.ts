import type { Ids } from "@mortise/kernel";
import type { Msg } from "nats";
import type { NatsLink } from "./link.ts";

/** Somebody who waits for answers. */
export interface Awaiting {
  /** `framed`: the message is a step of a call, otherwise a plain answer. */
  receive(message: Msg, framed: boolean): void;
}

/** The subjects answers come to, behind one subscription. */
export interface Inbox {
  /** Makes a subject for somebody; its last two tokens, which name it everywhere, are the key. */
  add(awaiting: Awaiting): Slot;
}

export interface Slot {
  readonly subject: string;
  readonly key: string;
  /** From now on nobody waits there. */
  remove(): void;
}

/** What follows the subject of somebody where steps of a call come to. */
export const framedSuffix = ".f";

/** Subscribes once, for ever. */
export function natsInbox({ nats }: NatsLink, ids: Ids, inboxPrefix: string): Inbox {
  const id = ids.hex(11);
  const base = `${inboxPrefix}.${id}.`;
  const slots = new Map<string, Awaiting>();
  let last = 0;
  nats.subscribe(`${base}>`, {
    callback: (_error, message) => {
      const { subject } = message;
      const framed = subject.endsWith(framedSuffix);
      const token = subject.slice(base.length, framed ? -framedSuffix.length : undefined);
      slots.get(token)?.receive(message, framed);
    },
  });
  return {
    add: (awaiting) => {
      const token = `${++last}`; // digits, which no suffix is taken for
      slots.set(token, awaiting);
      return { subject: base + token, key: `${id}.${token}`, remove: () => void slots.delete(token) };
    },
  };
}

/** Whether a message says that nobody listens where it was sent. */
export function isNobody({ data, headers }: Msg): boolean {
  return data.length === 0 && headers?.code === 503;
}
