import { int32, message, rpc, service, stream } from "@mortise/kernel/contract";
import { genericClient } from "@mortise/kernel/generic";

/** A program that does nothing but call where nobody is, and says how that ends. */
const One = message("alone.v1.One", { number: int32(1) });
const Alone = service("alone.v1.Alone", { ask: rpc(One, One), watch: rpc(One, stream(One)) });

async function told(work: () => Promise<unknown>): Promise<void> {
  await work().catch((error: unknown) => console.log(String(error)));
}

async function all(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const answer of answers) console.log(answer);
}

await using client = await genericClient({ address: process.argv[2] ?? "" }, { contracts: [Alone] });
await told(() => client.call("alone.v1.Alone/ask"));
await told(() => client.callText("alone.v1.Alone/ask", "{}"));
await told(() => all(client.stream("alone.v1.Alone/watch")));
console.log("over");
