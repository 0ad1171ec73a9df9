import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Timers } from "@mortise/kernel";
import type { Hono } from "hono";
import type { Door } from "./door.ts";

export interface Listening {
  /** For example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no new requests and waits for those under way, at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Opens the door. Rejects with advice when the port cannot be had. */
export async function listen(app: Hono<Door>, host: string, port: number, timers: Timers): Promise<Listening> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(advice(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const bound = typeof address === "object" && address ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: (graceMs) => close(server, graceMs, timers),
  };
}

function close(server: Server, graceMs: number, timers: Timers): Promise<void> {
  return new Promise((resolve) => {
    const cut = timers.after(graceMs, () => server.closeAllConnections());
    const sweep = timers.every(50, () => server.closeIdleConnections()); // those whose last answer has just ended
    server.close(() => {
      cut.cancel();
      sweep.cancel();
      resolve();
    });
  });
}

function advice({ code, message }: NodeJS.ErrnoException, host: string, port: number): Error {
  const set = "set options.service/gateway.port to another (0 takes any that is free)";
  if (code === "EADDRINUSE")
    return new Error(`Port ${port} of ${host} is taken by another program; end it, or ${set}.`);
  if (code === "EACCES") return new Error(`Port ${port} may not be opened by this user; ${set}, above 1023.`);
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new Error(`${host} is not an address of this machine; set options.service/gateway.host.`);
  return new Error(`The gateway cannot listen on ${host}:${port}: ${message}`);
}
