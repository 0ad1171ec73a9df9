import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * How a network treats what goes through it in one direction.
 * - `pass`: as it is.
 * - `cut`: whoever would receive it is reset, and what is sent is gone. Cut in one direction only, the other side is not
 *   told before the network has healed.
 * - `silent`: nothing comes through, and nobody is told; what was held comes late, unless the way is cut before.
 * - a number: everything comes so many milliseconds later.
 */
export type Weather = "pass" | "cut" | "silent" | number;

/** Where a way leads. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** A way over TCP to one server that can be disturbed, each direction by itself. */
export interface Way {
  readonly port: number;
  /** @param answers the same as there, unless it is said */
  weather(requests: Weather, answers?: Weather): void;
  close(): Promise<void>;
}

/** What goes through in one direction. */
function direction() {
  let now: Weather = "pass";
  const held: (() => void)[] = [];
  const through = async () => {
    while (now === "silent") await new Promise<void>((resolve) => void held.push(resolve));
  };
  return {
    isCut: () => now === "cut",
    become(next: Weather) {
      now = next;
      if (next !== "silent") for (const go of held.splice(0)) go();
    },
    /** @param end is called once everything before the end has come through */
    carry(from: Socket, to: Socket, end: () => void) {
      let last = Promise.resolve();
      const queued = (then: () => void) => {
        const late = typeof now === "number" ? sleep(now) : undefined;
        last = last.then(async () => {
          await late;
          await through();
          then();
        });
      };
      from.on("data", (chunk: Buffer) =>
        queued(() => {
          if (!to.destroyed) to.write(chunk);
        }),
      );
      from.on("error", () => undefined).on("close", () => queued(end));
    },
  };
}

/** Both ends of a connection through a way. */
interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** One of them was reset, and the other one has not heard of it. */
  halfOpen: boolean;
}

/** @param target is asked for every connection; nothing: nobody is there */
export async function proxyTo(target: () => Target | undefined): Promise<Way> {
  const pairs = new Set<Pair>();
  const requests = direction();
  const answers = direction();

  function joined(near: Socket, to: Target): void {
    const pair = { near, far: connect({ ...to, noDelay: true }), halfOpen: false };
    pairs.add(pair);
    const ends = (other: Socket) => () => {
      if (!pair.halfOpen) other.destroy();
      if (near.destroyed && pair.far.destroyed) pairs.delete(pair);
    };
    requests.carry(near, pair.far, ends(pair.far));
    answers.carry(pair.far, near, ends(near));
    reset(pair);
  }

  /** Makes true of a connection what the weather is. */
  function reset(pair: Pair): void {
    const [toFar, toNear] = [requests.isCut(), answers.isCut()];
    const heals = pair.halfOpen && !toFar && !toNear;
    pair.halfOpen = toFar !== toNear;
    if (toFar || heals) resetNow(pair.far);
    if (toNear || heals) resetNow(pair.near);
  }

  const server = createServer((near) => {
    near.setNoDelay(true);
    near.on("error", () => undefined);
    const to = target();
    if (to && !answers.isCut()) joined(near, to);
    else resetNow(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    weather(next, back = next) {
      requests.become(next);
      answers.become(back);
      for (const pair of pairs) reset(pair); // before what was held goes on: that is lost with its connection
    },
    async close() {
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}

function resetNow(socket: Socket): void {
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
