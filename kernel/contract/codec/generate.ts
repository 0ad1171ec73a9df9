import type { ByteSink, MessageType } from "../types.ts";
import { decoderSource } from "./generate-decode.ts";
import { encoderSource } from "./generate-encode.ts";
import { layoutOf, reachable } from "./layout.ts";
import { runtime } from "./runtime.ts";

/** `depth` is how many further messages may nest inside this one. Both throw a fault for whatever is wrong or rare. */
export interface FastPath {
  encode(value: unknown, sink: ByteSink, position: number, depth: number): number;
  decode(bytes: Uint8Array, position: number, end: number, depth: number): unknown;
}

/** Source text that declares, over `runtime`, the functions `encode0`, `decode0` for the first of these messages, and so on. */
export function codecFunctions(types: readonly MessageType[]): string {
  const numbers = new Map(types.map((type, index) => [type, index]));
  const name = (kind: string) => (type: MessageType | undefined) => `${kind}${type && numbers.get(type)}`;
  const names = { encoder: name("encode"), decoder: name("decode") };
  const functions = types.flatMap((type) => [
    encoderSource(names.encoder(type), layoutOf(type), names),
    decoderSource(names.decoder(type), layoutOf(type), names),
  ]);
  return [`const { ${Object.keys(runtime).join(", ")} } = runtime;`, ...functions].join("\n");
}

/** Compiles a message and all it refers to. Throws an EvalError where the process forbids code from text. */
export function compile(type: MessageType): FastPath {
  const source = `"use strict";\n${codecFunctions(reachable([type]))}\nreturn { encode: encode0, decode: decode0 };`;
  // oxlint-disable-next-line typescript/no-implied-eval -- names of fields stand in the source only as literals
  const build = new Function("runtime", source) as (names: typeof runtime) => FastPath;
  return build(runtime);
}
