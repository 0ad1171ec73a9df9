import { hostname } from "node:os";

/** Where a listener opens a port, and how others are told of it: the options of protocols that do. */
export interface ListeningPlace {
  readonly host: string;
  readonly port: number;
  /** The host (or host:port) others reach this process by, where that is not `host`. */
  readonly advertise?: string | undefined;
}

/** What others are to call: `advertise` where it is given, else the host, or this machine's name where that means all. */
export function advertisedAddress({ host, advertise }: ListeningPlace, port: number): string {
  if (advertise === undefined) return hostAndPort(isWildcard(host) ? hostname() : host, port);
  return hasPort(advertise) ? advertise : hostAndPort(advertise, port);
}

/** The address as one text; IPv6 in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host as sockets take it. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** An Error that names the plugin, the port, and the option to change, for the code of the system's refusal. */
export function listenRefusal(plugin: string, { host, port }: ListeningPlace, code: string): Error {
  const reason = reasons[code] ?? `${code}; correct the option "host" or "port"`;
  return new Error(`${plugin} cannot listen on ${hostAndPort(host, port)}: ${reason}`);
}

const noSuchAddress = 'this machine has no such address; correct the option "host"';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it; give the option "port" another number, or 0 for any that is free',
  EACCES: 'this user may not open it; give the option "port" a number above 1023, or 0 for any that is free',
  EADDRNOTAVAIL: noSuchAddress,
  EINVAL: noSuchAddress, // as Deno has it
  ENOTFOUND: 'there is no host of this name; correct the option "host"',
};

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "[::]";
}

function hasPort(address: string): boolean {
  return /^[^:]+:\d+$|\]:\d+$/.test(address);
}
