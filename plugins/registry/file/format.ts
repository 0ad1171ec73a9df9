import type { Instance } from "@mortise/kernel";
import { z } from "zod";

/** Who keeps a file up to date. */
export interface Owner {
  /** The machine, as `os.hostname()` names it; empty if the process cannot be named, then only its lease counts. */
  readonly host: string;
  /** The process, as `processIdentity` names it. */
  readonly process: string;
}

/** What a file of the directory says. */
export interface InstanceFile {
  /** Nothing for a file that people wrote: it holds until it is changed. */
  readonly owner: Owner | undefined;
  readonly instances: readonly Instance[];
}

const instance = z.strictObject({
  id: z.string().min(1).optional(),
  service: z.string().min(1),
  address: z.string().min(1),
  protocol: z.string().min(1),
  serializers: z.array(z.string()).default(["protobuf"]),
  weight: z.number().nonnegative().default(100),
  zone: z.string().default(""),
  version: z.string().default(""),
  tags: z.record(z.string(), z.string()).default({}),
  startedAt: z.number().nonnegative().default(0),
});

const file = z.strictObject({
  owner: z.strictObject({ host: z.string(), process: z.string() }).optional(),
  instances: z.array(instance),
});

/** Reads a file. Throws an Error that says in one line what is wrong with it. */
export function readInstanceFile(text: string): InstanceFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message}`);
  }
  const { data, error } = file.safeParse(json);
  if (error) throw new Error(error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
  return {
    owner: data.owner,
    instances: data.instances.map(({ id, ...rest }) => ({
      id: id ?? `${rest.protocol}:${rest.address}:${rest.service}`,
      ...rest,
    })),
  };
}

/** Writes a file. */
export function writeInstanceFile({ owner, instances }: InstanceFile): string {
  return `${JSON.stringify({ owner, instances }, undefined, 2)}\n`;
}
