// A process of the world: node process.fixture.ts <ProcessStart as JSON>. MORTISE_FAULTS names points, for example T11:2=kill.
import { inspect } from "node:util";
import { callContext, type Plugin } from "@mortise/kernel";
import { type AppOptions, testApp } from "@mortise/kernel/testing";
import { nats } from "@mortise/plugins/bus/nats/nats";
import { postgres as postgresCoordinator } from "@mortise/plugins/coordinator/postgres/postgres";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { file } from "@mortise/plugins/registry/file/file";
import { postgres as postgresStore } from "@mortise/plugins/store/postgres/postgres";
import { strategies } from "../bank.fixture.ts";
import { crashing, pointsOf } from "./faults.ts";
import { historyIn } from "./history.ts";
import type { Ask, AskMessage, Policy, ProcessStart, Said, Told } from "./messages.ts";
import { ledProtocol, overheardBus, overhearing, roleTag } from "./overheard.ts";
import { beginningBank, type Initiators, takingPart } from "./services.ts";

const start = JSON.parse(process.argv[2] ?? "") as ProcessStart;
const say = (what: Said) => void process.send?.(what);
const points = pointsOf(process.env.MORTISE_FAULTS ?? "", (held) => say({ held }));
const accounts = Object.fromEntries(start.accounts.map((id) => [id, BigInt(start.cents)]));
const handed = Promise.withResolvers<Initiators>();
let initiators: Promise<Initiators> = handed.promise;

const services: Plugin[] = start.banks.map((bank) =>
  bank === "own"
    ? beginningBank(accounts, (given) => {
        initiators = Promise.resolve(given);
        handed.resolve(given);
      })
    : takingPart(bank, accounts),
);

// The same ones in every configuration: only the policy changes, and nothing starts anew.
const write = historyIn(start.historyDir);
const led = ledProtocol(grpc, { ports: start.calls, listens: (listens) => say({ listens }) });
const heard = [overhearing(write), overheardBus(nats, write)];
const plugins = [led, ...heard, file, postgresStore, postgresCoordinator, crashing(points), ...strategies, ...services];

const { store, coordinator, prefix } = start.servers;
const connections = {
  prefix,
  poolSize: 8,
  statementTimeoutMs: 10_000,
  idleTransactionTimeoutMs: 20_000,
  startTimeoutMs: 20_000,
  drainTimeoutMs: 500,
};

function config(policy: Policy): AppOptions {
  return {
    plugins,
    use: {
      protocol: "grpc",
      registry: "file",
      bus: "nats",
      filter: ["overhearing"],
      store: "postgres",
      coordinator: "postgres",
      faults: "crash",
      server: "runtime",
      transaction: strategies.map(({ name }) => name),
    },
    options: {
      "store/postgres": { url: store, ...connections },
      "coordinator/postgres": coordinator === undefined ? {} : { server: { url: coordinator, ...connections } },
      "registry/file": { dir: start.dir, pollMs: 50, leaseMs: 2_000 },
      "bus/nats": { servers: start.nats, prefix: prefix.replaceAll("-", "_"), ackWaitMs: 1_000 },
      "server/runtime": { graceMs: 3_000, tags: { [roleTag]: start.role } },
      "clients/runtime": { waitForInstanceMs: 200, graceMs: 500 },
      "transaction-policies/config": { table: { "*": policy } },
      "transactions/runtime": {
        ...start.patience,
        recoverEveryMs: 100,
        relayEveryMs: 100,
        sweepEveryMs: 300,
        orphanAfterMs: 3_000,
        driveTimeoutMs: 3_000,
        stuckAfterRounds: 2,
      },
    },
  };
}

const app = await testApp(config(start.policy));

async function answer(ask: Ask): Promise<unknown> {
  switch (ask.what) {
    case "run": {
      const { transaction, from, to, cents, key, timeoutMs } = ask;
      const context = callContext({ timeoutMs });
      const initiator = (await initiators)[transaction];
      const how = { context, ...(key !== undefined && { key }) };
      return told(await initiator.run({ from, to, cents: BigInt(cents) }, how));
    }
    case "wait": {
      const { transaction, gid, timeoutMs } = ask;
      return told(await (await initiators)[transaction].wait(gid, { timeoutMs }));
    }
    case "policy":
      return void (await app.become(config(ask.policy)));
    case "arm":
      return points.arm(ask.points);
    case "release":
      return points.release(ask.whom);
    case "log":
      return app.log.lines.map(
        ({ level, message, fields }) =>
          `${level} ${message} ${inspect(fields, { breakLength: Number.POSITIVE_INFINITY })}`,
      );
  }
}

type Outcome = Awaited<ReturnType<Initiators["pay"]["run"]>>;

function told(outcome: Outcome): Told {
  const { gid, status } = outcome;
  return { gid, status, reason: status === "aborted" ? outcome.abort.reason : "" };
}

process.on("message", ({ id, ask }: AskMessage) => {
  answer(ask).then(
    (value) => say({ id, told: value }),
    (error: unknown) => say({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on("disconnect", () => process.exit());
say({ ready: true });
