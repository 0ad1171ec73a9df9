import type { Method } from "@mortise/kernel";

/** Where an instance is reached: everything else about it is below this subject. It is what instances register. */
export function instanceAddress(prefix: string, id: string): string {
  return `${prefix}.at.${id}`;
}

/** Where a call of one method to one instance is sent. */
export function callSubject(address: string, { path }: Pick<Method, "path">): string {
  return `${address}.call.${dotted(path)}`;
}

/** Where everything after the request of a call goes: the rest of a stream, credit, cancellation. */
export function followSubject(address: string, key: string): string {
  return `${address}.on.${key}`;
}

/** Where anybody may call a method, to be answered by one of its instances. */
export function queueSubject(prefix: string, path: string): string {
  return `${prefix}.rpc.${dotted(path)}`;
}

/** The same group in all instances of a service, so that one of them gets a call; NATS's services use this name too. */
export const queueGroup = "q";

/** A path as tokens of a subject, by which methods are found. */
export function dotted(path: string): string {
  return path.replace("/", ".");
}
