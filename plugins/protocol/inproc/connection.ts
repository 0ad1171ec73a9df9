import { type Call, type Connection, InFlight, type Ports, type Reply, StatusError } from "@mortise/kernel";
import type { InprocHub } from "./hub.ts";
import { pass } from "./passage.ts";
import { fairness } from "./streams.ts";

/** A way to whoever listens at the address at the moment of a call. */
export function inprocConnection(address: string, hub: InprocHub, ports: Ports): Connection {
  const inFlight = new InFlight();
  const yielding = fairness();
  let closing: Promise<void> | undefined;

  async function invoke(call: Call): Promise<Reply> {
    const { context, method } = call;
    const turn = yielding();
    if (turn) await turn;
    if (closing) throw unreachable(`the connection to ${address} is closed`);
    if (context.cancelled) throw context.cancelled;
    if (context.deadline <= ports.clock.now()) throw tooLate();
    const server = hub.get(address);
    if (!server) throw unreachable(`nobody listens at ${address} in this process`);
    const served = server.routes.get(method.path);
    if (!served) throw new StatusError("UNIMPLEMENTED", `${address} does not offer ${method.path}`);
    return pass(call, served, [inFlight, server.inFlight], server.witness);
  }

  return {
    invoker: () => invoke,
    close: (graceMs) => {
      closing ??= inFlight.drain(
        graceMs,
        ports.timers,
        new StatusError("UNAVAILABLE", `the connection to ${address} was closed`),
      );
      return closing;
    },
  };
}

function unreachable(message: string): StatusError {
  return new StatusError("UNAVAILABLE", message, { neverSent: true });
}

function tooLate(): StatusError {
  return new StatusError("DEADLINE_EXCEEDED", "the deadline of the call has passed", { neverSent: true });
}
