import { background, StatusError } from "@mortise/kernel";
import { testApp } from "@mortise/kernel/testing";
import { failfast } from "@mortise/plugins/cluster/failfast/failfast";
import { roundRobin } from "@mortise/plugins/loadbalancer/round-robin/round-robin";
import { faultPlugins, Work } from "../../interop/faults.fixture.ts";

/** Calls to make: so many per second, for so long. */
export interface Task {
  readonly rate: number;
  readonly ms: number;
}

/** What came of them. */
export interface Flood {
  /** Answered within their deadline. */
  readonly goodPerSecond: number;
  /** Refused before their deadline. */
  readonly refusedPerSecond: number;
  /** Neither. */
  readonly latePerSecond: number;
  readonly goodP99Ms: number;
  readonly refusedP99Ms: number;
  /** Codes of what was refused. */
  readonly codes: readonly string[];
}

/** How long a caller waits, in milliseconds. */
const timeoutMs = 1000;

/** Connects to what the registry knows. What comes back makes calls at their moments, whatever has become of those before. */
export async function flood(dir: string): Promise<(task: Task) => Promise<Flood>> {
  const app = await testApp({
    plugins: [...faultPlugins, failfast, roundRobin],
    use: {
      protocol: "grpc",
      registry: "file",
      cluster: "failfast",
      loadbalancer: "round-robin",
      filter: [],
      server: [],
    },
    options: { "registry/file": { dir, pollMs: 50, leaseMs: 60_000 } },
  });
  const work = app.clients.client(Work);

  return async ({ rate, ms }) => {
    const good: number[] = [];
    const refused: number[] = [];
    const codes = new Set<string>();
    let late = 0;
    const call = async () => {
      const began = performance.now();
      try {
        await work.do({}, background.with({ timeoutMs }));
        good.push(performance.now() - began);
      } catch (error) {
        const code = error instanceof StatusError ? error.code : "UNKNOWN";
        if (code === "DEADLINE_EXCEEDED") late++;
        else refused.push(performance.now() - began);
        if (code !== "DEADLINE_EXCEEDED") codes.add(code);
      }
    };
    const calls: Promise<void>[] = [];
    const began = performance.now();
    for (let due = 0; performance.now() - began < ms; ) {
      for (const wanted = ((performance.now() - began) / 1000) * rate; due < wanted; due++) calls.push(call());
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const seconds = (performance.now() - began) / 1000;
    await Promise.all(calls);
    return {
      goodPerSecond: good.length / seconds,
      refusedPerSecond: refused.length / seconds,
      latePerSecond: late / seconds,
      goodP99Ms: p99(good),
      refusedP99Ms: p99(refused),
      codes: [...codes],
    };
  };
}

function p99(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.floor(0.99 * sorted.length)] ?? 0;
}
