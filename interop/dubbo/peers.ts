import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { server } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { type TestApp, testApp } from "@mortise/kernel/testing";
import { deadline } from "@mortise/plugins/filter/deadline/deadline";
import { dubbo } from "@mortise/plugins/protocol/dubbo/dubbo";
import { file } from "@mortise/plugins/registry/file/file";
import { hessian2 } from "@mortise/plugins/serializer/hessian2/hessian2";
import { Exchange, type ExchangeSeen, exchangeService, javaOptions } from "./exchange.ts";
import { type Java, startJava } from "./java.ts";

const plugins = [dubbo, hessian2, deadline];
const use = { protocol: "dubbo", serializer: "hessian2", filter: ["deadline"] };

/** The first call finds a Java that is still waking up, and the Dubbo of old says nothing of its time limit. */
const policies = { "*": { timeoutMs: 60_000 } };

export type DubboOptions = Readonly<Record<string, unknown>>;

const optionsOf = (own: DubboOptions) => ({
  ...javaOptions,
  "protocol/dubbo": { ...javaOptions["protocol/dubbo"], ...own },
});

/** A Mortise app that serves the exchange; Dubbo takes 127.0.0.1 for this machine's address, so it listens on all. */
export async function mortiseProvider(
  name: string,
  own: DubboOptions = {},
  seen?: ExchangeSeen,
): Promise<{ readonly app: TestApp; readonly port: number }> {
  const options = optionsOf({ host: "0.0.0.0", ...own });
  const app = await testApp({ plugins: [...plugins, exchangeService(name, seen)], use, options, policies });
  return { app, port: Number(app.kernel.get(server).endpoints[0]?.address.split(":").at(-1)) };
}

/** A Mortise app that finds the exchange at these ports of this machine. */
export async function mortiseConsumer(
  ports: readonly number[],
  own: DubboOptions = {},
): Promise<{ readonly app: TestApp; stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), "mortise-dubbo-"));
  const instances = ports.map((port) => ({
    service: Exchange.name,
    address: `127.0.0.1:${port}`,
    protocol: "dubbo",
    serializers: ["hessian2"],
  }));
  writeFileSync(join(dir, "java.json"), JSON.stringify({ instances }));
  const options = { ...optionsOf(own), "registry/file": { dir, pollMs: 50 } };
  const app = await testApp({ plugins: [...plugins, file], use: { ...use, registry: "file" }, options, policies });
  const stop = async () => {
    await app.stop();
    rmSync(dir, { recursive: true });
  };
  return { app, stop };
}

/** A Java program that serves the exchange. */
export async function javaProvider(
  home: string,
  name: string,
  { port, heartbeatMs }: { readonly port?: number; readonly heartbeatMs?: number } = {},
): Promise<{ readonly java: Java; readonly port: number }> {
  const own = port ?? (await freePort());
  const heartbeat = heartbeatMs === undefined ? [] : [`${heartbeatMs}`];
  return { java: await startJava(home, "com.example.interop.Provider", `${own}`, name, ...heartbeat), port: own };
}

/** A Java program that calls the exchange at these ports of this machine, and never tries again. */
export function javaConsumer(
  home: string,
  ports: readonly number[],
  { timeoutMs = 10_000, heartbeatMs = 60_000 } = {},
): Promise<Java> {
  const url = ports.map((port) => `dubbo://127.0.0.1:${port}/com.example.interop.Exchange`).join(";");
  return startJava(home, "com.example.interop.Consumer", url, `${timeoutMs}`, `${heartbeatMs}`);
}
