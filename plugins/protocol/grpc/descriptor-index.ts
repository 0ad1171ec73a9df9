import {
  bytes,
  codecOf,
  field,
  type Infer,
  type MessageType,
  message,
  repeated,
  string,
} from "@mortise/kernel/contract";

// The parts of google/protobuf/descriptor.proto that names and dependencies are read from; the rest is skipped.

const FileSet = message("google.protobuf.FileDescriptorSet", { file: repeated(bytes(1)) });
const Named = message("google.protobuf.EnumDescriptorProto", { name: string(1) });

interface DescriptorValue {
  readonly name: string;
  readonly nestedType: readonly DescriptorValue[];
  readonly enumType: readonly Infer<typeof Named>[];
}

const Descriptor: MessageType<DescriptorValue> = message("google.protobuf.DescriptorProto", {
  name: string(1),
  nestedType: repeated(field(3, () => Descriptor)),
  enumType: repeated(field(4, Named)),
});
const Service = message("google.protobuf.ServiceDescriptorProto", {
  name: string(1),
  method: repeated(field(2, Named)),
});
const File = message("google.protobuf.FileDescriptorProto", {
  name: string(1),
  package: string(2),
  dependency: repeated(string(3)),
  messageType: repeated(field(4, Descriptor)),
  enumType: repeated(field(5, Named)),
  service: repeated(field(6, Service)),
});

interface Indexed {
  readonly bytes: Uint8Array;
  readonly dependencies: readonly string[];
}

/** Finds the files of a descriptor set by name, and by what they declare. */
export interface DescriptorIndex {
  /** The file and all it depends on, itself first; nothing if there is no such file. */
  byName(name: string): readonly Uint8Array[] | undefined;
  /** The same for the file that declares a message, enum, service or method of this full name. */
  bySymbol(symbol: string): readonly Uint8Array[] | undefined;
}

/** Reads an encoded google.protobuf.FileDescriptorSet. */
export function descriptorIndex(set: Uint8Array): DescriptorIndex {
  const files = new Map<string, Indexed>();
  const owners = new Map<string, string>();
  for (const bytes of codecOf(FileSet).decode(set).file) {
    const file = codecOf(File).decode(bytes);
    files.set(file.name, { bytes, dependencies: file.dependency });
    for (const symbol of symbolsOf(file)) owners.set(symbol, file.name);
  }
  const byName = (name: string) => (files.has(name) ? closure(name, files) : undefined);
  return { byName, bySymbol: (symbol) => byName(owners.get(symbol) ?? "") };
}

function closure(name: string, files: ReadonlyMap<string, Indexed>): readonly Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  const visit = (name: string) => {
    const file = files.get(name);
    if (!file || found.has(name)) return;
    found.set(name, file.bytes);
    file.dependencies.forEach(visit);
  };
  visit(name);
  return [...found.values()];
}

function symbolsOf(file: Infer<typeof File>): readonly string[] {
  const scope = file.package === "" ? "" : `${file.package}.`;
  return [
    ...file.messageType.flatMap((type) => symbolsIn(type, scope)),
    ...file.enumType.map(({ name }) => scope + name),
    ...file.service.flatMap(({ name, method }) => [scope + name, ...method.map((m) => `${scope}${name}.${m.name}`)]),
  ];
}

function symbolsIn({ name, nestedType, enumType }: DescriptorValue, scope: string): readonly string[] {
  const inner = `${scope}${name}.`;
  return [
    scope + name,
    ...nestedType.flatMap((type) => symbolsIn(type, inner)),
    ...enumType.map((type) => inner + type.name),
  ];
}
