import {
  type Call,
  type CallSite,
  codeOf,
  type Filter,
  going,
  type Invoker,
  isFailure,
  noMetadata,
  policyFields,
  type Reply,
} from "@mortise/kernel";
import { moduleFunction } from "@mortise/kernel/spi/module-function";
import { z } from "zod";
import { degraded, parseMock, type Substitute, substituteOf } from "./degradation.ts";

const mock = z.string().superRefine((text, context) => {
  try {
    if (text !== "") parseMock(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

export const mockPolicy = policyFields({
  mock: mock
    .default("")
    .describe(
      "`force:` or `fail:`, then `return <json>`, `throw <CODE> <message>` or `call <file>#<export>`; empty: none",
    ),
});

/** A function that answers in place of a service. */
export type MockFunction = (request: unknown, call: Call) => unknown;

/** Answers calls otherwise, always or when they fail. Only calls with one answer can be answered so. */
export const mockFilter: Filter = {
  wrap(site) {
    const { mock } = mockPolicy.of(site);
    if (mock === "" || site.place !== "call" || (site.method.kind !== "unary" && site.method.kind !== "client-stream"))
      return undefined;
    const { when, substitute } = parseMock(mock);
    const answer = answering(site, substituteOf(substitute, site.method.output));
    return when === "force" ? () => answer : (next) => failing(next, answer);
  },
};

function failing(next: Invoker, answer: Invoker): Invoker {
  return (call) =>
    going(next, call).catch((error: unknown) => {
      const code = codeOf(error);
      if (code === "OK" || !isFailure(code)) throw error; // a refusal is an answer
      return answer(call);
    });
}

function answering({ method }: CallSite, substitute: Substitute): Invoker {
  switch (substitute.kind) {
    case "value": {
      const reply = replyWith(substitute.value);
      return async () => reply;
    }
    case "error":
      return () => Promise.reject(degraded(substitute.code, substitute.message));
    case "function": {
      const answer = moduleFunction(substitute.file, substitute.name, `the mock of ${method.path}`);
      return async (call) => {
        return replyWith(await ((await answer()) as MockFunction)(call.request, call));
      };
    }
  }
}

function replyWith(response: unknown): Reply {
  return { response, headers: noMetadata, trailers: () => noMetadata };
}
