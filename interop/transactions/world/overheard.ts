import { type Bus, type CallSite, definePlugin, filter, type Plugin, type Protocol, type Wrap } from "@mortise/kernel";
import type { Asked, Request } from "./history.ts";

/** Writes down what is asked of participants, where it leaves a process and where it comes in. */
export function overhearing(write: (request: Request) => void): Plugin {
  const wrap = ({ place, method }: CallSite): Wrap | undefined => {
    if (method.name !== "drive" || place === "attempt") return undefined;
    return (next) => (call) => {
      const { gid, branch, action, strategy } = call.request as Asked;
      const say = (what: Asked["what"]) => write({ what, at: Date.now(), gid, branch, action, strategy });
      if (place === "call") {
        say("asked");
        return next(call);
      }
      say("heard");
      return next(call).finally(() => say("answered"));
    };
  };
  return definePlugin({
    spi: filter,
    name: "overhearing",
    description: "Writes down what participants are asked",
    setup: () => ({ api: { wrap } }),
  });
}

const branches = "mortise.transaction.branch.";

/** The same bus; writes down what branches it is given. */
export function overheardBus(plugin: Plugin, write: (request: Request) => void): Plugin {
  return changed<Bus>(plugin, (bus) => ({
    durable: bus.durable,
    publish(topic, message) {
      if (topic.startsWith(branches)) {
        const [gid = "", branch = "", round] = message.id.split(":");
        const participant = topic.slice(branches.length);
        write({ what: "sent", at: Date.now(), gid, branch, participant, round: Number(round) });
      }
      return bus.publish(topic, message);
    },
    subscribe: (...given) => bus.subscribe(...given),
    deadLetters: (...given) => bus.deadLetters(...given),
  }));
}

/** Leads the calls of a process over ways that may be disturbed. */
export interface Leading {
  /** The ports of the ways by the role of whom they lead to; to others it is called directly. */
  readonly ports: Readonly<Record<string, number>>;
  /** Hears where this process can be called, before anybody else does. */
  readonly listens: (address: string) => void;
}

/** The mark of an instance that says in which role its process is. */
export const roleTag = "role";

/** The same protocol, over other ways. */
export function ledProtocol(plugin: Plugin, { ports, listens }: Leading): Plugin {
  return changed<Protocol>(plugin, (protocol) => ({
    ...protocol,
    async listen(exposure) {
      const listener = await protocol.listen(exposure);
      listens(listener.address);
      return listener;
    },
    connect(instance) {
      const port = ports[instance.tags[roleTag] ?? ""];
      return protocol.connect(port === undefined ? instance : { ...instance, address: `127.0.0.1:${port}` });
    },
  }));
}

function changed<T>(plugin: Plugin, change: (api: T) => T): Plugin {
  return {
    ...plugin,
    async setup(given) {
      const made = await plugin.setup(given);
      return { ...made, api: change(made.api as T) };
    },
  };
}
