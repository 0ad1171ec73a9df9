// Harms running transactions at random: `npm run chaos -- --strategy tcc --minutes 5 --seed 7`.
import { join } from "node:path";
import { root, run } from "./run.ts";

const main = join(root, "interop/transactions/chaos/main.ts");
const { code } = await run("node", [main, ...process.argv.slice(2)], { live: true });
process.exitCode = code;
