import { definePlugin, type Log, type Registry, type Running, registry } from "@mortise/kernel";
import { z } from "zod";
import { type Realm, realm } from "./realm.ts";

const options = z.strictObject({
  realm: z
    .string()
    .default("")
    .describe("Plugins of this process that name the same realm see each other; empty: a realm of its own."),
});

export type MemoryRegistryOptions = z.output<typeof options>;

/** Realms by name: what several kernels of one process share has to be known to the process. */
const shared = new Map<string, Realm>();

/** Knows the instances of this process, or of those parts of it that name the same realm. */
export function memoryRegistry({ realm: name }: MemoryRegistryOptions, log: Log): Running<Registry> {
  const failed = (error: unknown) => log.error("a listener of registry/memory failed", { error });
  const ours = (name !== "" && shared.get(name)) || realm(failed);
  if (name !== "") shared.set(name, ours);
  const { api, stop } = ours.join();
  return {
    api,
    stop() {
      stop();
      if (ours.members === 0 && shared.get(name) === ours) shared.delete(name);
    },
  };
}

export const memory = definePlugin({
  spi: registry,
  name: "memory",
  description: "Knows the instances of this process",
  options,
  setup: ({ options, log }) => memoryRegistry(options, log),
});
