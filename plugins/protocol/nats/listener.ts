import { type Exposure, InFlight, type Listener, type Log, StatusError } from "@mortise/kernel";
import type { Msg, Subscription } from "nats";
import { type Housing, prober } from "./connection.ts";
import { type Discovery, discovery } from "./discovery.ts";
import { isNobody } from "./inbox.ts";
import { linkLost, ServerCall } from "./server-call.ts";
import { routesOf, type ServerHost, type ServerRoute } from "./server-route.ts";
import { unavailable, writeError } from "./status.ts";
import { dotted, queueGroup, queueSubject } from "./subjects.ts";

export interface ListenerSetup extends Housing {
  readonly log: Log;
  readonly address: string;
}

const goneSuffix = ".gone";

/** Serves at the address of an instance, and in the queue groups of its services. */
export async function natsListener(exposure: Exposure, setup: ListenerSetup): Promise<Listener> {
  const { link, address, options, ports, log } = setup;
  const { nats } = link;
  const inFlight = new InFlight();
  const calls = new Map<string, ServerCall>();
  const host: ServerHost = { link, ports, log, options, inFlight, calls };
  const queues = new Map<string, Subscription>();
  const discovered: Discovery | undefined = options.discovery ? discovery(setup, () => routes) : undefined;
  let routes: ReadonlyMap<string, ServerRoute> = new Map();

  const probe = prober(() => calls.size > 0, probeClients, options.probeMs, ports);
  const forget = link.onLost(() => {
    for (const call of [...calls.values()]) if (call.streams) call.cut(linkLost());
  });

  function take(message: Msg, path: string, direct: boolean): void {
    if (!message.reply) return log.debug(`a request for ${path} came without a subject to answer to`);
    const route = routes.get(path);
    if (!route) return refuse(message, path);
    new ServerCall(message, route, host).begin(message.data, direct);
    if (calls.size > 0) probe.begin();
  }

  function refuse(message: Msg, path: string): void {
    const error = new StatusError("UNIMPLEMENTED", `${address} does not offer ${path}`);
    const { headers, body } = writeError(error, link.maxPayload);
    nats.publish(message.reply ?? "", body, { headers: headers.headers });
  }

  /** A step of a call, or the word of NATS that a client is gone. */
  function follow(message: Msg): void {
    const key = message.subject.slice(followBase.length);
    if (key.endsWith(goneSuffix) && isNobody(message)) abandonCallsOf(key.slice(0, -goneSuffix.length));
    else calls.get(key)?.receive(message.data);
  }

  function abandonCallsOf(client: string): void {
    for (const [key, call] of [...calls]) if (key.startsWith(`${client}.`)) call.abandon();
  }

  function probeClients(): void {
    const clients = new Map<string, string>();
    for (const [key, { replySubject }] of calls) clients.set(clientOf(key), replySubject);
    for (const [client, subject] of clients) {
      const ping = subject.replace(/[^.]+$/, "ping");
      nats.publish(ping, undefined, { reply: `${followBase}${client}${goneSuffix}` });
    }
  }

  /** Never throws: a message that cannot be made sense of is nobody else's business. */
  const listen = (subject: string, handle: (message: Msg) => void, queue?: string): Subscription =>
    nats.subscribe(subject, {
      ...(queue && { queue }),
      callback: (error, message) => {
        try {
          if (error) log.error(`${subject} cannot be listened to`, { error });
          else handle(message);
        } catch (mistake) {
          log.warn(`a message to ${subject} cannot be read`, { error: mistake });
        }
      },
    });

  const callBase = `${address}.call.`;
  const followBase = `${address}.on.`;
  const requests = listen(`${callBase}>`, (message) => take(message, message.subject.slice(callBase.length), true));
  const follows = listen(`${followBase}>`, follow);

  async function update(next: Exposure): Promise<void> {
    routes = routesOf(next, routes);
    const wanted = new Set(next.services.map(({ service }) => service.name));
    for (const [service, queue] of queues) {
      if (wanted.has(service)) continue;
      queues.delete(service);
      queue.unsubscribe();
    }
    for (const service of wanted) {
      if (queues.has(service)) continue;
      const base = queueSubject(options.prefix, "");
      const handle = (message: Msg) => take(message, message.subject.slice(base.length), false);
      queues.set(service, listen(`${base}${dotted(service)}.*`, handle, queueGroup));
    }
    discovered?.offer(next.services.map(({ service }) => service));
    if (link.up) await nats.flush();
  }

  async function close(graceMs: number): Promise<void> {
    discovered?.end();
    if (!nats.isClosed()) await Promise.all([requests, ...queues.values()].map(leave));
    await inFlight.drain(graceMs, ports.timers, unavailable(`${address} was shut down`));
    probe.end();
    forget();
    if (nats.isClosed()) return;
    follows.unsubscribe();
    if (link.up) await nats.flush();
  }

  /** Takes no more, but what is on its way; without NATS nothing is. */
  async function leave(subscription: Subscription): Promise<void> {
    if (subscription.isClosed()) return;
    if (link.up) await subscription.drain().catch(() => subscription.unsubscribe());
    else subscription.unsubscribe();
  }

  await update(exposure);
  let closing: Promise<void> | undefined;
  return { address, update, close: (graceMs) => (closing ??= close(graceMs)) };
}

function clientOf(key: string): string {
  return key.split(".")[0] ?? "";
}
