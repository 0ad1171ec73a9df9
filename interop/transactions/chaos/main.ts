// Chaos: node main.ts --strategy <name|swap> --minutes <n> --seed <n>. See README.md.
import { parseArgs } from "node:util";
import { chaos, strategies } from "./chaos.ts";

const { values } = parseArgs({
  options: {
    strategy: { type: "string", default: "tcc" },
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    clerks: { type: "string", default: "6" },
  },
});
const numbers = [values.minutes, values.seed, values.clerks].map(Number);
if (numbers.some((number) => !(number > 0))) {
  console.error("Give numbers above 0: --minutes 5 --seed 7 --clerks 6");
  process.exit(2);
}
const known = [...strategies, "swap"];
if (!known.includes(values.strategy)) {
  console.error(`There is no chaos under "${values.strategy}". Give --strategy one of ${known.join(", ")}`);
  process.exit(2);
}
const [minutes = 1, seed = 1, clerks = 1] = numbers;
const whole = await chaos({ strategy: values.strategy, minutes, seed, clerks, say: (line) => console.log(line) });
process.exit(whole ? 0 : 1);
