import { type Connection, InFlight, type Invoker, type Method, type Ports, type Serializer } from "@mortise/kernel";
import { natsInvoker } from "./client-call.ts";
import { type Inbox, isNobody, type Slot } from "./inbox.ts";
import type { NatsLink } from "./link.ts";
import type { NatsOptions } from "./options.ts";
import { unavailable } from "./status.ts";
import { callSubject, followSubject } from "./subjects.ts";

/** What everything of one plugin shares. */
export interface Housing {
  readonly link: NatsLink;
  readonly inbox: Inbox;
  readonly options: NatsOptions;
  readonly ports: Ports;
}

/** A way to one instance. It fails at once while NATS is away, and notices when the instance is gone. */
export function natsConnection(address: string, { link, inbox, options, ports }: Housing): Connection {
  const inFlight = new InFlight();
  const probe = prober(() => inFlight.size > 0, probeInstance, options.probeMs, ports);
  let slot: Slot | undefined;
  let closing: Promise<void> | undefined;
  const forget = link.onLost(() => inFlight.cut(unavailable("the connection to NATS was lost during the call")));

  /** Nobody has to answer: NATS itself says when nobody listens any more. */
  function probeInstance(): void {
    slot ??= inbox.add({
      receive: (message) => {
        if (isNobody(message)) inFlight.cut(unavailable(`${address} has gone away during the call`));
      },
    });
    link.nats.publish(followSubject(address, "ping"), undefined, { reply: slot.subject });
  }

  function compiled(method: Method, serializer: Serializer): Invoker {
    const { subtype } = serializer;
    const [input, output] = [serializer.codec(method.input), serializer.codec(method.output)];
    const subject = callSubject(address, method);
    return natsInvoker({ method, subject, address, input, output, subtype, link, inbox, inFlight, ports, options });
  }

  async function close(graceMs: number): Promise<void> {
    await inFlight.drain(graceMs, ports.timers, unavailable(`the connection to ${address} was closed`));
    probe.end();
    forget();
    slot?.remove();
  }

  return {
    invoker: (method, serializer) => {
      let invoke: Invoker | undefined;
      return (call) => {
        if (closing) return Promise.reject(unavailable(`the connection to ${address} is closed`, true));
        if (call.context.cancelled) return Promise.reject(call.context.cancelled);
        if (!link.up) return Promise.reject(unavailable(`${address} cannot be reached: NATS is away`, true));
        invoke ??= compiled(method, serializer);
        const reply = invoke(call);
        probe.begin();
        return reply;
      };
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

/** Runs `look` every so often while there is something to look for. */
export function prober(busy: () => boolean, look: () => void, everyMs: number, { timers }: Pick<Ports, "timers">) {
  let timer: ReturnType<typeof timers.every> | undefined;
  const end = () => {
    timer?.cancel();
    timer = undefined;
  };
  return {
    begin: () => {
      timer ??= timers.every(everyMs, () => {
        if (!busy()) return end();
        try {
          look();
        } catch {
          end(); // the connection to NATS is closed
        }
      });
    },
    end,
  };
}
