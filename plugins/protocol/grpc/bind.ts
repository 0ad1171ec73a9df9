import { createServer } from "node:net";
import { hostname } from "node:os";
import type { Server, ServerCredentials } from "@grpc/grpc-js";
import type { GrpcOptions } from "./options.ts";

type Place = Pick<GrpcOptions, "host" | "port" | "advertise">;

/** Opens the port; gives its number. Rejects with an Error that names the port, the option and the way out. */
export async function bind(server: Server, place: Place, credentials: ServerCredentials): Promise<number> {
  await tryPort(place); // grpc-js says what it fails at to the console, and not why to its caller
  return new Promise((resolve, reject) => {
    server.bindAsync(hostAndPort(place.host, place.port), credentials, (error, port) => {
      if (error) reject(refusal(place, error.message));
      else resolve(port);
    });
  });
}

/** What others are to call: `advertise` where it is given, else the host, or this machine's name where that means all. */
export function addressOf({ host, advertise }: Place, port: number): string {
  if (advertise === undefined) return hostAndPort(isWildcard(host) ? hostname() : host, port);
  return hasPort(advertise) ? advertise : hostAndPort(advertise, port);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "[::]";
}

function hasPort(address: string): boolean {
  return /^[^:]+:\d+$|\]:\d+$/.test(address);
}

function hostAndPort(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

function tryPort({ host, port }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => reject(refusal({ host, port }, error.code ?? error.message)));
    probe.listen({ host: host.replace(/^\[|\]$/g, ""), port }, () => probe.close(() => resolve()));
  });
}

const noSuchAddress = 'this machine has no such address; correct the option "host"';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it; give the option "port" another number, or 0 for any that is free',
  EACCES: 'this user may not open it; give the option "port" a number above 1023, or 0 for any that is free',
  EADDRNOTAVAIL: noSuchAddress,
  EINVAL: noSuchAddress, // as Deno has it
  ENOTFOUND: 'there is no host of this name; correct the option "host"',
};

function refusal({ host, port }: Place, code: string): Error {
  return new Error(
    `protocol/grpc cannot listen on ${hostAndPort(host, port)}: ${reasons[code] ?? `${code}; correct the option "host" or "port"`}`,
  );
}
