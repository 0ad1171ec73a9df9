import { fingerprint } from "./codec/ahead.ts";
import { codecFunctions } from "./codec/generate.ts";
import { reachable } from "./codec/layout.ts";
import { isOpaque } from "./opaque.ts";
import type { Contract } from "./proto/files.ts";
import type { MessageType } from "./types.ts";

/**
 * The text of a module that brings the codecs of these contracts, and of all they refer to, ready made: for places that
 * forbid code from text, and for a quicker start. Import it once, before the first call. A codec whose message has
 * changed since is not used.
 * @param door where the module finds `registerCodecs`
 */
export function aheadOfTimeSource(contracts: Iterable<Contract>, door = "@mortise/kernel/contract"): string {
  const types = reachable([...contracts].flatMap(messagesOf)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const codecs = types.map(
    (type, i) =>
      `  ${JSON.stringify(type.name)}: { fingerprint: "${fingerprint(type)}", encode: encode${i}, decode: decode${i} },`,
  );
  return `// Written by \`mortise proto --aot\`. Change the TypeScript contract instead.
// biome-ignore-all lint: written by a program
// biome-ignore-all format: written by a program
// @ts-nocheck
import { registerCodecs } from ${JSON.stringify(door)};

registerCodecs((runtime) => {
${codecFunctions(types)}
return {
${codecs.join("\n")}
};
});
`;
}

function messagesOf(contract: Contract): MessageType[] {
  const types =
    contract.kind === "message"
      ? [contract]
      : contract.kind === "topic"
        ? [contract.message]
        : contract.kind === "service"
          ? Object.values(contract.methods).flatMap(({ input, output }) => [input, output])
          : [];
  return types.filter((type) => !isOpaque(type));
}
