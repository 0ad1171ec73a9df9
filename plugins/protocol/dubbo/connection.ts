import {
  type Connection,
  InFlight,
  type Instance,
  type Invoker,
  type Method,
  type Reply,
  type Serializer,
  StatusError,
} from "@mortise/kernel";
import { ClientCall } from "./client-call.ts";
import { ClientLink, type LinkSetup } from "./client-link.ts";
import { type ClientRoute, clientRoute, type RouteSetup } from "./client-route.ts";

/** The links to one address, shared by all connections of the process to it. */
export interface Links {
  /** The link whose turn it is. */
  next(): ClientLink;
  /** The last one to release them closes them. Call once. */
  release(): void;
}

/** Gives every user of an address the same links, so that all services of a peer share them. */
export function linkPool(setup: LinkSetup): (address: string) => Links {
  const entries = new Map<string, { readonly links: readonly ClientLink[]; users: number }>();
  return (address) => {
    const made = () => Array.from({ length: setup.options.connections }, () => new ClientLink(address, setup));
    const entry = entries.get(address) ?? { links: made(), users: 0 };
    entries.set(address, entry);
    entry.users++;
    const { links } = entry;
    let turn = 0;
    return {
      next: () => {
        turn = turn + 1 < links.length ? turn + 1 : 0;
        return links[turn] as ClientLink;
      },
      release: () => {
        if (--entry.users > 0) return;
        entries.delete(address);
        for (const link of links) link.close();
      },
    };
  };
}

/** A way to one instance. */
export function dubboConnection(
  { address }: Instance,
  lease: (address: string) => Links,
  setup: RouteSetup & Pick<LinkSetup, "ports">,
): Connection {
  const inFlight = new InFlight();
  let held: Links | undefined;
  let closing: Promise<void> | undefined;

  async function close(graceMs: number): Promise<void> {
    const reason = new StatusError("UNAVAILABLE", `the connection to ${address} was closed`);
    await inFlight.drain(graceMs, setup.ports.timers, reason);
    held?.release();
  }

  function begin(route: ClientRoute): Invoker {
    held ??= lease(address);
    const links = held;
    return (call) =>
      new Promise<Reply>((resolve, reject) => {
        if (closing) return reject(closed(address));
        const begun = new ClientCall(route, call, inFlight, resolve, reject);
        if (!begun.over) links.next().send(begun);
      });
  }

  function compile(method: Method, serializer: Serializer): Invoker {
    if (method.kind !== "unary") return refusing(notCarried(method));
    try {
      return begin(clientRoute(method, serializer, setup));
    } catch (error) {
      return refusing(new StatusError("FAILED_PRECONDITION", (error as Error).message, { neverSent: true }));
    }
  }

  return {
    invoker: (method, serializer) => {
      let invoke: Invoker | undefined;
      return (call) => {
        if (closing) return Promise.reject(closed(address));
        invoke ??= compile(method, serializer);
        return invoke(call);
      };
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

function refusing(error: StatusError): Invoker {
  return () => Promise.reject(error);
}

function notCarried({ path, kind }: Method): StatusError {
  const message = `protocol/dubbo carries no ${kind} calls such as ${path}: Dubbo 2 has no streams`;
  return new StatusError("UNIMPLEMENTED", message, { neverSent: true });
}

function closed(address: string): StatusError {
  return new StatusError("UNAVAILABLE", `the connection to ${address} is closed`, { neverSent: true });
}
