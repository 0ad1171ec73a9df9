import type { Ports, ServiceType } from "@mortise/kernel";
import type { Msg, Subscription } from "nats";
import type { NatsLink } from "./link.ts";
import type { ServerRoute, Statistics } from "./server-route.ts";
import { dotted, queueGroup, queueSubject } from "./subjects.ts";

/** Answers NATS's service protocol (its ADR-32): `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`. */
export interface Discovery {
  offer(services: readonly ServiceType[]): void;
  end(): void;
}

export interface DiscoverySetup {
  readonly link: NatsLink;
  readonly ports: Ports;
  readonly address: string;
  readonly options: { readonly prefix: string };
}

/** A service as the protocol knows it. */
interface Known {
  readonly id: string;
  readonly service: ServiceType;
  readonly started: string;
}

const verbs = ["PING", "INFO", "STATS"] as const;
type Verb = (typeof verbs)[number];

export function discovery(setup: DiscoverySetup, routes: () => ReadonlyMap<string, ServerRoute>): Discovery {
  const { link, ports } = setup;
  let known: readonly Known[] = [];

  function answer(message: Msg): void {
    const [, verb = "", name, id] = message.subject.split(".");
    if (!isVerb(verb) || !message.reply) return;
    for (const one of known) {
      if ((name !== undefined && name !== nameOf(one.service)) || (id !== undefined && id !== one.id)) continue;
      link.nats.publish(message.reply, JSON.stringify(described(verb, one, setup, routes())));
    }
  }

  const subscriptions: Subscription[] = verbs.flatMap((verb) =>
    [`$SRV.${verb}`, `$SRV.${verb}.>`].map((subject) =>
      link.nats.subscribe(subject, { callback: (error, message) => error || answer(message) }),
    ),
  );
  const fresh = (service: ServiceType): Known => ({
    id: ports.ids.hex(11),
    service,
    started: new Date(ports.clock.wall()).toISOString(),
  });
  return {
    offer: (services) => {
      const before = new Map(known.map((one) => [one.service.name, one]));
      known = services.map((service) => ({ ...(before.get(service.name) ?? fresh(service)), service }));
    },
    end: () => {
      known = [];
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

function isVerb(text: string): text is Verb {
  return (verbs as readonly string[]).includes(text);
}

/** The name of a service as the protocol allows it: without dots. */
export function nameOf({ name }: Pick<ServiceType, "name">): string {
  return name.replaceAll(".", "-");
}

/** The version of the package as a semantic version: `shop.user.v1` is 1.0.0. */
function versionOf({ name }: ServiceType): string {
  return `${/\.v(\d+)/.exec(name)?.[1] ?? 0}.0.0`;
}

function described(
  verb: Verb,
  { id, service, started }: Known,
  { address, options }: DiscoverySetup,
  routes: ReadonlyMap<string, ServerRoute>,
): object {
  const type = `io.nats.micro.v1.${verb.toLowerCase()}_response`;
  const metadata = { "mortise-service": service.name, "mortise-address": address };
  const common = { type, name: nameOf(service), id, version: versionOf(service), metadata };
  if (verb === "PING") return common;
  const endpoints = Object.values(service.methods).map((method) => {
    const { wireName: name, path, kind, input, output } = method;
    const endpoint = { name, subject: queueSubject(options.prefix, path), queue_group: queueGroup };
    if (verb === "INFO") return { ...endpoint, metadata: { kind, request: input.name, response: output.name } };
    return { ...endpoint, ...counted(routes.get(dotted(path))?.statistics) };
  });
  return verb === "INFO" ? { ...common, description: service.name, endpoints } : { ...common, started, endpoints };
}

const nanosPerMs = 1e6;

function counted({ requests = 0, errors = 0, lastError = "", processingMs = 0 }: Partial<Statistics> = {}): object {
  const processing = Math.round(processingMs * nanosPerMs);
  return {
    num_requests: requests,
    num_errors: errors,
    last_error: lastError,
    processing_time: processing,
    average_processing_time: requests === 0 ? 0 : Math.round(processing / requests),
  };
}
