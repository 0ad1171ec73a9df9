// Records what passes between a Java consumer and a Java provider, for frames.test.ts: node record.ts [version of Dubbo]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@mortise/kernel/processes/free-port";
import { eventually } from "@mortise/kernel/testing";
import { buildJava, startJava } from "./java.ts";
import { type Passed, startProxy } from "./proxy.ts";

const folder = import.meta.dirname;
const [version = "3.3.6"] = process.argv.slice(2);
const commands = [
  "echo full|echo empty|echo edges|echo shared|echo nulls|join|join-nulls|data 3|size 3|fail business|fail state",
  "attachments x-a=1 x-b=ä|nothing|name|$echo hi|generic echo|generic nowhere|version 9.9.9",
].flatMap((line) => line.split("|"));

const built = await buildJava(folder, { properties: { "dubbo.version": version } });
if (built.missing !== undefined) throw new Error(built.missing);
const port = await freePort();
const provider = await startJava(built.home, "com.example.interop.Provider", `${port}`, "one");
const proxy = await startProxy(port, true);
const url = `dubbo://127.0.0.1:${proxy.port}/com.example.interop.Exchange`;
const consumer = await startJava(built.home, "com.example.interop.Consumer", url, "2000", "1000");
const recorded: { what: string; client: readonly string[]; server: readonly string[] }[] = [];

async function record(what: string, act: () => Promise<unknown>) {
  proxy.passed.length = 0;
  console.log(what, await act());
  recorded.push({ what, client: framesFrom("client", proxy.passed), server: framesFrom("server", proxy.passed) });
}

/** In hexadecimal, the 16 bytes of the head apart from the body. */
function framesFrom(from: Passed["from"], passed: readonly Passed[]): string[] {
  const bytes = Buffer.concat(passed.filter((one) => one.from === from).map((one) => one.bytes));
  const frames: string[] = [];
  for (let at = 0, end = 0; at + 16 <= bytes.length; at = end) {
    end = at + 16 + bytes.readInt32BE(at + 12);
    frames.push(`${bytes.toString("hex", at, at + 16)} ${bytes.toString("hex", at + 16, end)}`);
  }
  return frames;
}

for (const command of commands) await record(command, () => consumer.ask(command));
await record("heartbeat", () => eventually(() => proxy.passed.length > 1));
await record("shutdown", () => provider.stop());
writeFileSync(join(folder, `frames-${version}.json`), `${JSON.stringify(recorded, null, 1)}\n`);
await consumer.stop();
await proxy.close();
