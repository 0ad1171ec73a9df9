import type { MessageType } from "./types.ts";

const opaque = new WeakSet<MessageType>();

/** Marks a message whose fields are not known here, because its codec comes from elsewhere. */
export function markOpaque(type: MessageType): void {
  opaque.add(type);
}

export const isOpaque = (type: MessageType): boolean => opaque.has(type);
