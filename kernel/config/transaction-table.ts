import { suggestion } from "../core/nearest.ts";
import { isTransactionKey, type TransactionTable, transactionFields } from "../runtime/transaction-policy.ts";
import { type Inside, inside, mapAt, type Spot } from "./expect.ts";
import { describe, nodeIn, plain } from "./node.ts";

const known = Object.keys(transactionFields);

/** Reads what an app file says about transactions. Everything wrong is reported; what is right comes back. */
export function transactionTable(spot: Spot | undefined): TransactionTable {
  if (!spot || !mapAt(spot, "fields by transaction, for example `placeOrder: { strategy: tcc }`")) return {};
  const entries = inside(spot).flatMap((child): [string, Record<string, unknown>][] => {
    const name = String(child.key);
    if (!isTransactionKey(name)) return unknownName(child, name);
    if (!mapAt(child, "fields, for example `{ strategy: tcc }`")) return [];
    return [[name, Object.fromEntries(inside(child).flatMap(field))]];
  });
  return Object.fromEntries(entries);
}

function unknownName({ keyAt, path, report }: Inside, name: string): [] {
  const message = `"${name}" is no name of a transaction; write its name in lowerCamelCase, or "*" for all others`;
  report("CONFIG_TRANSACTION", message, keyAt, path);
  return [];
}

function field({ key, keyAt, node, path, report }: Inside): [string, unknown][] {
  const name = String(key);
  const schema = Object.entries(transactionFields).find(([field]) => field === name)?.[1];
  if (!schema) {
    report("CONFIG_UNKNOWN_KEY", `unknown field "${name}" of a transaction.${suggestion(name, known)}`, keyAt, path);
    return [];
  }
  const value = plain(node);
  const [fault] = schema.safeParse(value).error?.issues ?? [];
  if (!fault) return [[name, value]];
  const inner = fault.path.map((step) => `.${String(step)}`).join("");
  const found = nodeIn(node, fault.path) ?? node;
  const message = `${path.join(".")}${inner} is ${describe(found)}; ${expectation(fault.message)}`;
  report("CONFIG_WRONG_TYPE", message, node.at, path);
  return [];
}

/** What a schema expected, of its sentence `Invalid input: expected number, received string`. */
function expectation(message: string): string {
  return message.replace(/^[^:]*: (?=expected )/, "").replace(/, received [^,]*$/, "");
}
