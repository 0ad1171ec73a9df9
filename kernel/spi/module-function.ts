import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { StatusError } from "../call/status.ts";

/**
 * A function that a module of the application exports, loaded when it is first asked for.
 * @param file relative to the folder the process was started in
 * @param what whose function it is, for messages: `the mock of shop.v1.Shop/Get`
 */
export function moduleFunction(
  file: string,
  name: string,
  what: string,
): () => Promise<(...given: never[]) => unknown> {
  let loaded: Promise<(...given: never[]) => unknown> | undefined;
  return () => {
    loaded ??= load(file, name, what);
    return loaded;
  };
}

async function load(file: string, name: string, what: string): Promise<(...given: never[]) => unknown> {
  const where = resolve(file);
  const module = (await import(pathToFileURL(where).href).catch((cause: unknown) => {
    throw new StatusError("INTERNAL", `${what} cannot be loaded from ${where}`, { cause });
  })) as Readonly<Record<string, unknown>>;
  const found = module[name];
  if (typeof found !== "function") throw new StatusError("INTERNAL", `${what}: ${where} exports no function ${name}`);
  return found as (...given: never[]) => unknown;
}
