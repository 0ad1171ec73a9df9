import { backgroundOf } from "../call/call-context.ts";
import { asStatusError } from "../call/outcome.ts";
import { sendingContext } from "../call/server-context.ts";
import type { Method, ServiceType, TopicType } from "../contract/types.ts";
import type { Generation, Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { Directory, ServiceView } from "../spi/directory.ts";
import type { Protocol } from "../spi/protocol.ts";
import type { Client, Clients, Publish } from "../spi/runtime.ts";
import { compileClient } from "./client-path.ts";
import { type Connections, connectionsTo } from "./connections.ts";
import { leasedPath } from "./lease.ts";
import { basisFor } from "./parts.ts";
import { compilePublish, eventId, type PublishParts } from "./publish.ts";
import { type Stub, stubOf } from "./stub.ts";

export interface RuntimeClientsOptions {
  /** How long a call waits for the first instance of its service when its deadline is further away, in milliseconds. */
  readonly waitForInstanceMs: number;
  /** How long calls in flight may take to end when their instance or protocol is gone, in milliseconds. */
  readonly graceMs: number;
}

export interface RuntimeClientsSetup {
  readonly options: RuntimeClientsOptions;
  readonly ports: Ports;
  readonly log: Log;
  readonly generation: () => Generation;
  readonly directory: () => Directory;
  /** What serves now; read whenever a path is compiled. */
  readonly parts: () => PublishParts;
}

export interface RuntimeClients extends Clients {
  /** Closes the connections of other protocols and directories. */
  keepOnly(protocols: Iterable<Protocol>, directory: Directory): Promise<void>;
  close(): Promise<void>;
}

/** Makes clients whose calls always go the way of the generation they begin in. */
export function runtimeClients(setup: RuntimeClientsSetup): RuntimeClients {
  const { options, ports, log, generation, parts } = setup;
  const { waitForInstanceMs: waitMs, graceMs } = options;
  const root = backgroundOf(ports);
  const connected = new Map<ServiceView, Connections>();
  const stubs = new Map<Method, Stub>();
  const contracts = new Map<string, ServiceType>();

  function connections(view: ServiceView): Connections {
    const known = connected.get(view);
    if (known) return known;
    const made = connectionsTo(view, graceMs, log);
    connected.set(view, made);
    return made;
  }

  function stub(method: Method): Stub {
    const known = stubs.get(method);
    if (known) return known;
    const path = leasedPath(
      () => basisFor(method, parts()),
      (basis) => compileClient(method, basis, parts(), { ports, connections, waitMs }),
    );
    const made = stubOf({ method, path, generation, root });
    stubs.set(method, made);
    return made;
  }

  function publisher<T>(topic: TopicType<T>): Publish<T> {
    const { method } = topic as TopicType;
    const path = leasedPath(
      () => basisFor(method, parts()),
      (basis) => compilePublish(topic as TopicType, basis, parts()),
    );
    return async (event, given = root, { id = ports.ids.uuid() } = {}) => {
      const now = generation();
      now.enter();
      try {
        const context = sendingContext(given).set(eventId, id);
        await path.in(now)({ method, request: event, context, instance: undefined });
      } catch (error) {
        throw asStatusError(error);
      } finally {
        now.leave();
      }
    };
  }

  return {
    client<S extends ServiceType>(service: S): Client<S> {
      setup.directory().view(service.name); // known by the time of the first call
      contracts.set(service.name, service);
      const methods = Object.entries(service.methods).map(([name, method]) => [name, stub(method)]);
      return Object.freeze(Object.fromEntries(methods)) as Client<S>; // each stub has the shape its method's kind asks for
    },
    publisher,
    contract: (service) => contracts.get(service),
    async keepOnly(protocols, directory) {
      const kept = new Set(protocols);
      const gone = [...connected].filter(([view]) => directory.view(view.service) !== view);
      for (const [view] of gone) connected.delete(view);
      await Promise.all(gone.map(([, connections]) => connections.close()));
      await Promise.all([...connected.values()].map((one) => one.keepOnly(kept)));
    },
    async close() {
      await Promise.all([...connected.values()].map((one) => one.close()));
    },
  };
}
