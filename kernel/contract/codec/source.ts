import type { MessageType } from "../types.ts";

/** The names of the functions that encode and decode other messages. */
export interface Names {
  encoder(message: MessageType | undefined): string;
  decoder(message: MessageType | undefined): string;
}

/** Any text as a literal in source text: names may come from other people's descriptors. */
export const literal = (text: string): string => JSON.stringify(text);

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

export const property = (owner: string, name: string): string =>
  identifier.test(name) ? `${owner}.${name}` : `${owner}[${literal(name)}]`;

/** The key of an object literal; `__proto__` as a plain key would set the prototype. */
export const key = (name: string): string =>
  identifier.test(name) && name !== "__proto__" ? name : `[${literal(name)}]`;
