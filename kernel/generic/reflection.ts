import type { Context } from "../call/context.ts";
import { StatusError } from "../call/status.ts";
import { codecOf } from "../contract/codec/codec.ts";
import { bytes, message, repeated } from "../contract/index.ts";
import { FileDescriptorSet } from "../contract/proto/descriptor.ts";
import { contractsFromDescriptors } from "../contract/proto/from-descriptors.ts";
import { type ReflectionRequest, type ReflectionResponse, ServerReflection } from "../contract/proto/reflection.ts";
import type { Infer, ServiceType } from "../contract/types.ts";
import type { Clients } from "../spi/runtime.ts";

type Question = NonNullable<Infer<typeof ReflectionRequest>["messageRequest"]>;
type Answer = NonNullable<Infer<typeof ReflectionResponse>["messageResponse"]>;

/** Asks a running server what it serves. Both reject with UNIMPLEMENTED where the server offers no reflection. */
export interface Reflector {
  /** Names of all services, sorted. */
  services(): Promise<readonly string[]>;
  /** The contract of a service; nothing if the server does not know it. */
  contract(service: string): Promise<ServiceType | undefined>;
}

export function reflector(clients: Clients, context: Context): Reflector {
  const { serverReflectionInfo } = clients.client(ServerReflection);
  const ask = async (question: Question): Promise<Answer> => {
    for await (const answer of serverReflectionInfo(only({ host: "", messageRequest: question }), context)) {
      if (answer.messageResponse) return answer.messageResponse;
    }
    throw new StatusError("INTERNAL", "the reflection of the server gave no answer");
  };
  const files = async (question: Question): Promise<readonly Uint8Array[]> => {
    const answer = await ask(question);
    return answer.$case === "fileDescriptorResponse" ? answer.value.fileDescriptorProto : [];
  };
  return {
    services: async () => {
      const answer = await ask({ $case: "listServices", value: "" });
      return answer.$case === "listServicesResponse" ? answer.value.service.map(({ name }) => name).sort() : [];
    },
    contract: async (name) => {
      const found = await files({ $case: "fileContainingSymbol", value: name });
      const set = await withImports(found, (path) => files({ $case: "fileByFilename", value: path }));
      return contractsFromDescriptors(set).services.get(name);
    },
  };
}

async function* only<T>(value: T): AsyncIterable<T> {
  yield value;
}

/** A google.protobuf.FileDescriptorSet of files that are encoded already. */
const EncodedFiles = message("google.protobuf.FileDescriptorSet", { file: repeated(bytes(1)) });

/** Files and everything they import, as one encoded google.protobuf.FileDescriptorSet. */
async function withImports(
  found: readonly Uint8Array[],
  fileNamed: (path: string) => Promise<readonly Uint8Array[]>,
): Promise<Uint8Array> {
  const asked = new Set<string>();
  const all = [...found];
  for (let fresh = found; fresh.length > 0; ) {
    const { file } = codecOf(FileDescriptorSet).decode(codecOf(EncodedFiles).encode({ file: fresh }));
    for (const { name = "" } of file) asked.add(name);
    const missing = file.flatMap(({ dependency }) => dependency).filter((path) => !asked.has(path));
    for (const path of missing) asked.add(path);
    fresh = (await Promise.all([...new Set(missing)].map(fileNamed))).flat();
    all.push(...fresh);
  }
  return codecOf(EncodedFiles).encode({ file: all });
}
