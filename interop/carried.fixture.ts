// What every protocol carries with every serializer: one list of checks over the test service, as far as its kinds go.
import assert from "node:assert/strict";
import {
  type Client,
  callContext,
  defineService,
  type Handlers,
  type MethodKind,
  type Plugin,
  type ServiceType,
  StatusError,
} from "@mortise/kernel";
import { service } from "@mortise/kernel/contract";
import { fullNote, sameMessage } from "@mortise/kernel/spi/serializer.conformance";
import {
  cutInTime,
  Echo,
  type EchoEvents,
  type EchoNote,
  echoHandlers,
  eventually,
  pattern,
  type TestApp,
} from "@mortise/kernel/testing";

type Methods = typeof Echo.methods;

/** The test service with the methods a protocol can carry; the missing ones are not called. */
export function echoOf(kinds: readonly MethodKind[], name = "Echo"): ServiceType<Methods> {
  const carried = Object.entries(Echo.methods).filter(([, { kind }]) => kinds.includes(kind));
  const specs = Object.fromEntries(carried.map(([method, spec]) => [method, { ...spec, rest: undefined }]));
  return service(`mortise.testing.v1.${name}`, specs) as unknown as ServiceType<Methods>;
}

export function echoPlugin(contract: ServiceType<Methods>, events: EchoEvents): Plugin {
  return defineService(contract, {
    name: "echo",
    description: "Answers tests",
    setup: ({ ports }) => {
      const all = Object.entries(echoHandlers({ events, now: () => ports.clock.now() }));
      const own = all.filter(([method]) => Object.hasOwn(contract.methods, method));
      return { handlers: Object.fromEntries(own) as unknown as Handlers<ServiceType<Methods>> };
    },
  });
}

/** What a check has. */
export interface Carried {
  readonly echo: Client<ServiceType<Methods>>;
  readonly events: EchoEvents;
}

export interface Check {
  readonly what: string;
  /** Without one of these kinds there is nothing to check. */
  readonly kinds: readonly MethodKind[];
  readonly check: (carried: Carried) => Promise<void>;
}

const note = (text: string): EchoNote => ({ ...fullNote, reply: undefined, text });
const size = 4 * 1024 * 1024;

async function codeOf(work: Promise<unknown>): Promise<StatusError> {
  const error = await work.then(
    () => assert.fail("it should fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StatusError, String(error));
  return error;
}

async function* numbers(count: number) {
  for (let number = 1; number <= count; number++) yield { number, padding: new Uint8Array() };
}

async function conversation({ echo }: Carried): Promise<void> {
  let answered: (text: string) => void = () => undefined;
  async function* questions() {
    for (let i = 0; i < 10; i++) {
      const answer = new Promise<string>((resolve) => {
        answered = resolve;
      });
      yield note(`${i}`);
      assert.equal(await answer, `${i}`);
    }
  }
  let heard = 0;
  for await (const { text } of echo.chat(questions())) {
    heard++;
    answered(text);
  }
  assert.equal(heard, 10);
}

/** The same for every pair. */
export const checks: readonly Check[] = [
  {
    what: "unary calls",
    kinds: ["unary"],
    check: async ({ echo }) => sameMessage(await echo.echo(fullNote), fullNote),
  },
  {
    what: "streams from the server",
    kinds: ["server-stream"],
    check: async ({ echo }) => {
      const seen: number[] = [];
      for await (const { number } of echo.count({ count: 500, failAfter: 0, padding: 10 })) seen.push(number);
      assert.deepEqual(
        seen,
        Array.from({ length: 500 }, (_, i) => i + 1),
      );
    },
  },
  {
    what: "streams to the server",
    kinds: ["client-stream"],
    check: async ({ echo }) => assert.deepEqual(await echo.sum(numbers(500)), { total: 125_250n, count: 500 }),
  },
  { what: "streams both ways", kinds: ["bidi-stream"], check: conversation },
  {
    what: "errors",
    kinds: ["unary"],
    check: async ({ echo }) => {
      const details = { sku: "Ä-1", "with space": "a=b;c" };
      const request = { code: 9, message: "Lager leer: 榫卯", reason: "OUT_OF_STOCK", bug: false };
      const error = await codeOf(echo.fail({ ...request, details: new Map(Object.entries(details)) }));
      assert.deepEqual(
        [error.code, error.message, error.reason, error.details],
        ["FAILED_PRECONDITION", request.message, request.reason, details],
      );
    },
  },
  {
    what: "deadlines",
    kinds: ["unary"],
    check: async ({ echo, events }) => {
      const { remainingMs } = await echo.whoami({}, callContext({ timeoutMs: 30_000 }));
      assert.ok(remainingMs !== undefined && remainingMs > 10_000 && remainingMs < 30_100, `${remainingMs} ms`);
      const { begun } = events;
      const before = events.cancelled.length;
      const sleep = async (timeoutMs: number) => {
        const late = await codeOf(echo.sleep({ ms: 60_000 }, callContext({ timeoutMs })));
        assert.equal(late.code, "DEADLINE_EXCEEDED");
      };
      await cutInTime(150, sleep, () => events.begun > begun);
      await eventually(() => events.cancelled.length > before);
    },
  },
  {
    what: "cancellation",
    kinds: ["unary"],
    check: async ({ echo, events }) => {
      const caller = new AbortController();
      const { begun } = events;
      const before = events.cancelled.length;
      const cancelled = codeOf(echo.sleep({ ms: 60_000 }, callContext({ signal: caller.signal })));
      await eventually(() => events.begun > begun);
      caller.abort();
      assert.equal((await cancelled).code, "CANCELLED");
      await eventually(() => events.cancelled.length > before);
    },
  },
  {
    what: "metadata",
    kinds: ["unary"],
    check: async ({ echo }) => {
      const given = { "x-text": "one value", "x-many": ["a", "b"], "x-bytes-bin": Uint8Array.of(0, 255) };
      const { metadata, tenant } = await echo.whoami({}, callContext({ metadata: given, tenant: "Müller & Co" }));
      const values = (name: string) => metadata.filter((entry) => entry.name === name);
      assert.equal(tenant, "Müller & Co");
      assert.deepEqual(
        [...values("x-text"), ...values("x-many")].map(({ text }) => text),
        ["one value", "a", "b"],
      );
      assert.deepEqual([...(values("x-bytes-bin")[0]?.data ?? [])], [0, 255]);
      let answered: readonly unknown[] = [];
      const onHeaders = (headers: { getAll(name: string): readonly unknown[] }) => {
        answered = headers.getAll("x-many");
      };
      await echo.echo(fullNote, callContext({ metadata: given, onHeaders }));
      assert.deepEqual(answered, ["a", "b"]);
    },
  },
  {
    what: "bodies of 4 MiB",
    kinds: ["unary"],
    check: async ({ echo }) => {
      const data = pattern(size);
      assert.deepEqual(await echo.upload({ data }), { size });
      assert.ok(Buffer.from(data).equals((await echo.bytes({ size })).data));
    },
  },
  {
    what: "1,000 calls at the same time that do not mix",
    kinds: ["unary"],
    check: async ({ echo }) => {
      const texts = Array.from({ length: 1000 }, (_, i) => `call ${i}`);
      const answers = await Promise.all(texts.map((text) => echo.echo(note(text))));
      assert.deepEqual(
        answers.map(({ text }) => text),
        texts,
      );
    },
  },
];

/** A client of the service in an app. */
export function clientOf(app: TestApp, contract: ServiceType<Methods>): Client<ServiceType<Methods>> {
  return app.clients.client(contract);
}
