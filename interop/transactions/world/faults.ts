import { definePlugin, faults, StatusError } from "@mortise/kernel";

/**
 * What happens at a point.
 * - `kill`: this process kills itself.
 * - `hold`: whoever comes waits there until it is released.
 * - `fail`: whoever comes is thrown out with UNAVAILABLE.
 */
type Act = "kill" | "hold" | "fail";

/** `T11:2=kill`: at the second time. `S7=fail*3`: the first three times. */
interface Order {
  readonly point: string;
  readonly act: Act;
  /** The first time it happens, from 1. */
  readonly from: number;
  readonly times: number;
  passed: number;
}

/** Points of this process where something is to happen. */
export interface Points {
  arm(text: string): void;
  /** Holds nobody any more, and lets all who are held go, or the first of them. */
  release(whom: "all" | "first"): void;
  at(point: string): Promise<void> | void;
}

function parse(text: string): Order {
  const [, point = "", from = "1", act = "", times = "1"] =
    /^([A-Z]+\d+)(?::(\d+))?=(kill|hold|fail)(?:\*(\d+))?$/.exec(text) ?? [];
  if (point === "") throw new TypeError(`"${text}" orders nothing; write for example T11:2=kill`);
  return { point, act: act as Act, from: Number(from), times: Number(times), passed: 0 };
}

/** @param told hears of everybody who is held */
export function pointsOf(text: string, told: (point: string) => void): Points {
  let orders: Order[] = [];
  const held: (() => void)[] = [];
  const arm = (more: string) => {
    orders = more.split(",").filter(Boolean).map(parse);
  };
  arm(text);
  return {
    arm,
    release(whom) {
      orders = orders.filter(({ act }) => act !== "hold");
      for (const go of held.splice(0, whom === "first" ? 1 : held.length)) go();
    },
    at(point) {
      for (const order of orders) {
        if (order.point !== point) continue;
        order.passed += 1;
        if (order.passed < order.from || order.passed >= order.from + order.times) continue;
        if (order.act === "kill") {
          process.kill(process.pid, "SIGKILL");
          return new Promise(() => undefined);
        }
        if (order.act === "fail") throw new StatusError("UNAVAILABLE", `the answer at ${point} is lost`);
        told(point);
        return new Promise((resolve) => void held.push(resolve));
      }
      return undefined;
    },
  };
}

/** Does at points what it was told to. */
export function crashing(points: Points) {
  return definePlugin({
    spi: faults,
    name: "crash",
    description: "Kills, holds or fails this process at named points",
    setup: () => ({ api: { at: points.at } }),
  });
}
