import { create, createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** Gives the files of a name that another file imports. */
export type FileSource = (name: string) => Promise<readonly Uint8Array[]>;

/** Puts files together with everything they import. Throws if an import is nowhere to be found. */
export async function fileRegistry(files: readonly Uint8Array[], source: FileSource): Promise<FileRegistry> {
  const known = new Map<string, FileDescriptorProto>();
  let fresh = files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  while (fresh.length > 0) {
    for (const file of fresh) known.set(file.name, file);
    const missing = new Set(fresh.flatMap(({ dependency }) => dependency).filter((name) => !known.has(name)));
    const found = await Promise.all([...missing].map(source));
    fresh = found.flat().map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  }
  return createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(known) }));
}

/** Every file after those it imports. */
function inOrder(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const visit = (name: string): void => {
    const file = files.get(name);
    if (!file || ordered.has(file)) return;
    for (const dependency of file.dependency) visit(dependency);
    ordered.add(file);
  };
  for (const name of files.keys()) visit(name);
  return [...ordered];
}
