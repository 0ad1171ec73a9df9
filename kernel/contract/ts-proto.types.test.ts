import assert from "node:assert/strict";
import { it } from "node:test";
import type { Client } from "../spi/runtime.ts";
import { contractFromTsProto } from "./ts-proto.ts";

interface Question {
  readonly id: string;
}
interface Answer {
  readonly text: string;
}

const messageOf = <T>() => ({
  encode: (message: T) => ({ finish: () => new Uint8Array(message === undefined ? 0 : 1) }),
  decode: (input: Uint8Array): T => assert.fail(`not called with ${input.length} bytes`),
});

const AskDefinition = {
  name: "Ask",
  fullName: "ask.v1.Ask",
  methods: {
    one: {
      name: "One",
      requestType: messageOf<Question>(),
      requestStream: false,
      responseType: messageOf<Answer>(),
      responseStream: false,
      options: {},
    },
    many: {
      name: "Many",
      requestType: messageOf<Question>(),
      requestStream: false,
      responseType: messageOf<Answer>(),
      responseStream: true,
      options: {},
    },
  },
} as const;

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(value?: T) => value;

it("a client of a ts-proto contract has ts-proto's types", () => {
  const Ask = contractFromTsProto(AskDefinition);
  type C = Client<typeof Ask>;
  yes<Equal<ReturnType<C["one"]>, Promise<Answer>>>();
  yes<Equal<ReturnType<C["many"]>, AsyncIterable<Answer>>>();
  yes<Equal<Parameters<C["one"]>[0], Question>>();
  assert.equal(Ask.methods.many.kind, "server-stream");
});
