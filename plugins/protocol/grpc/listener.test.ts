import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { describe, it } from "node:test";
import { type Protocol, systemPorts } from "@mortise/kernel";
import {
  bytes,
  codecOf,
  type Infer,
  type Method,
  message,
  type ReflectionRequest,
  type ReflectionResponse,
  repeated,
  ServerReflection,
  ServerReflectionAlpha,
} from "@mortise/kernel/contract";
import { advertisedAddress as addressOf } from "@mortise/kernel/spi/listening";
import { all, callers, connectTo, echoExposure, failure, inWorld } from "@mortise/kernel/spi/protocol-laws/world";
import { emptyNote } from "@mortise/kernel/spi/serializer.conformance";
import { Echo, silentLog } from "@mortise/kernel/testing";
import { descriptorIndex } from "./descriptor-index.ts";
import { grpc, grpcProtocol } from "./grpc.ts";
import { Health, ServingStatus } from "./health.ts";
import { type GrpcOptions, options } from "./options.ts";

function start(given: object = {}): Protocol {
  return grpcProtocol({ options: options.parse(given), ports: systemPorts, log: silentLog });
}

const nothing = { services: [], serializers: new Map() };

async function taken(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as { port: number }).port };
}

describe("the port of protocol/grpc", () => {
  it("is named with its option when another process has it", async () => {
    const { server, port } = await taken();
    await assert.rejects(start({ port }).listen(nothing), {
      message: `protocol/grpc cannot listen on 127.0.0.1:${port}: another process has it; give the option "port" another number, or 0 for any that is free`,
    });
    server.close();
  });

  it("can be opened again after such a refusal", async () => {
    const { server, port } = await taken();
    const protocol = start({ port });
    await assert.rejects(protocol.listen(nothing));
    await new Promise((resolve) => server.close(resolve));
    const listener = await protocol.listen(nothing);
    assert.equal(listener.address, `127.0.0.1:${port}`);
    await listener.close(0);
  });

  it("says which option is wrong when the host is not of this machine, or no host at all", async () => {
    await assert.rejects(
      start({ host: "192.0.2.1" }).listen(nothing),
      /this machine has no such address; correct the option "host"/,
    );
    await assert.rejects(
      start({ host: "no such host" }).listen(nothing),
      /cannot listen on no such host:0: .*option "host"/,
    );
  });

  it("is any free one by default, on loopback only", async () => {
    const listener = await start().listen(nothing);
    assert.match(listener.address, /^127\.0\.0\.1:\d{4,5}$/);
    await listener.close(0);
  });

  it("makes the plugin exclusive when it is fixed, and only then", () => {
    assert.equal(grpc.exclusive(options.parse({ port: 50_051 })), true);
    assert.equal(grpc.exclusive(options.parse({})), false);
  });

  it("is told to others as they can reach it", () => {
    const told = (given: Partial<GrpcOptions>) => addressOf({ ...options.parse({}), ...given }, 7);
    assert.equal(told({}), "127.0.0.1:7");
    assert.equal(told({ host: "::1" }), "[::1]:7");
    assert.equal(told({ host: "0.0.0.0" }), `${hostname()}:7`);
    assert.equal(told({ host: "0.0.0.0", advertise: "shop.test" }), "shop.test:7");
    assert.equal(told({ host: "0.0.0.0", advertise: "shop.test:443" }), "shop.test:443");
    assert.equal(told({ advertise: "[fd00::1]:443" }), "[fd00::1]:443");
    assert.equal(told({ advertise: "fd00::1" }), "[fd00::1]:7");
  });

  it("works over IPv6 where the machine has it", async () => {
    const protocol = start({ host: "::1" });
    const has = Object.values(networkInterfaces()).some((addresses) =>
      addresses?.some(({ address }) => address === "::1"),
    );
    if (!has) return assert.rejects(protocol.listen(nothing), /this machine has no such address/);
    const listener = await protocol.listen(echoExposure(silentLog));
    const connection = connectTo(protocol, listener.address);
    await callers(connection).call("echo", emptyNote);
    await connection.close(0);
    await listener.close(0);
  });
});

describe("options of protocol/grpc", () => {
  it("are refused by name when they are unknown or out of range", () => {
    const problems = (given: object) =>
      options.safeParse(given).error?.issues.map(({ path, message }) => [path.join("."), message]);
    assert.deepEqual(problems({ prot: 1 }), [["", 'Unrecognized key: "prot"']]);
    assert.equal(problems({ port: 70_000 })?.[0]?.[0], "port");
    assert.equal(problems({ maxMessageBytes: "8MB" })?.[0]?.[0], "maxMessageBytes");
  });
});

const { check, watch } = Health.methods;
type Status = { readonly status: number };

describe("health of protocol/grpc", () => {
  it("is SERVING for the server and what it offers, and NOT_FOUND for others", () =>
    inWorld({ start: () => start() }, {}, async ({ invoke }) => {
      for (const service of ["", Echo.name]) {
        assert.deepEqual((await invoke(check, { service })).response, { status: ServingStatus.SERVING });
      }
      await failure(invoke(check, { service: "other" }), "NOT_FOUND");
    }));

  it("tells who watches when a service comes and goes", () =>
    inWorld({ start: () => start() }, {}, async ({ invoke, listener, log }) => {
      const { response } = await invoke(watch, { service: Echo.name });
      const statuses = (response as AsyncIterable<Status>)[Symbol.asyncIterator]();
      const next = async () => (await statuses.next()).value?.status;
      assert.equal(await next(), ServingStatus.SERVING);
      await listener.update(nothing);
      assert.equal(await next(), ServingStatus.SERVICE_UNKNOWN);
      await listener.update(echoExposure(log));
      assert.equal(await next(), ServingStatus.SERVING);
      await statuses.return?.();
    }));

  it("lets no watcher hold up a closing listener", () =>
    inWorld({ start: () => start() }, {}, async ({ invoke, listener }) => {
      const { response } = await invoke(watch, { service: "" });
      const statuses = (response as AsyncIterable<Status>)[Symbol.asyncIterator]();
      await statuses.next();
      const ended = failure(statuses.next(), "UNAVAILABLE");
      await listener.close(60_000);
      await ended;
    }));

  it("is not there when the options say so", () =>
    inWorld({ start: () => start({ health: false }) }, {}, async ({ invoke }) => {
      await failure(invoke(check, { service: "" }), "UNIMPLEMENTED");
    }));
});

type Request = Infer<typeof ReflectionRequest>;
type Response = Infer<typeof ReflectionResponse>;
type Question = NonNullable<Request["messageRequest"]>;

describe("reflection of protocol/grpc", () => {
  const asking = (method: Method, check: (ask: (...questions: Question[]) => Promise<Response[]>) => Promise<void>) =>
    inWorld({ start: () => start() }, {}, async ({ invoke }) => {
      await check(async (...questions) => {
        async function* requests() {
          for (const messageRequest of questions) yield { host: "h", messageRequest };
        }
        return all((await invoke(method, requests())).response as AsyncIterable<Response>);
      });
    });

  for (const method of [ServerReflection, ServerReflectionAlpha].map(({ methods }) => methods.serverReflectionInfo)) {
    it(`lists the services, by ${method.service}`, () =>
      asking(method, async (ask) => {
        const [answer] = await ask({ $case: "listServices", value: "" });
        assert.deepEqual(answer?.messageResponse, {
          $case: "listServicesResponse",
          value: {
            service: [Health, ServerReflection, ServerReflectionAlpha, Echo].map(({ name }) => ({ name })),
          },
        });
        assert.equal(answer?.validHost, "h");
      }));
  }

  it("gives the file that declares a service, a method or a message, with all it depends on", () =>
    asking(ServerReflection.methods.serverReflectionInfo, async (ask) => {
      for (const value of [Echo.name, `${Echo.name}.Echo`, "mortise.testing.v1.Note"]) {
        const [answer] = await ask({ $case: "fileContainingSymbol", value });
        const { messageResponse } = answer as Response;
        assert.ok(messageResponse?.$case === "fileDescriptorResponse", value);
        const files = messageResponse.value.fileDescriptorProto;
        const index = descriptorIndex(codecOf(FileSet).encode({ file: files }));
        assert.ok(index.bySymbol(value) && index.byName("google/protobuf/empty.proto"));
      }
    }));

  it("answers every question of a stream, also those it has no answer to", () =>
    asking(ServerReflection.methods.serverReflectionInfo, async (ask) => {
      const answers = await ask(
        { $case: "fileByFilename", value: "google/protobuf/empty.proto" },
        { $case: "fileByFilename", value: "nothing.proto" },
        { $case: "fileContainingSymbol", value: "no.Such" },
        { $case: "allExtensionNumbersOfType", value: "mortise.testing.v1.Note" },
        { $case: "fileContainingExtension", value: { containingType: "a.B", extensionNumber: 1 } },
      );
      assert.deepEqual(
        answers.map(({ messageResponse }) => messageResponse?.$case),
        ["fileDescriptorResponse", "errorResponse", "errorResponse", "allExtensionNumbersResponse", "errorResponse"],
      );
    }));

  it("is not there when the options say so", () =>
    inWorld({ start: () => start({ reflection: false }) }, {}, async ({ invoke }) => {
      await failure(invoke(ServerReflection.methods.serverReflectionInfo, each()), "UNIMPLEMENTED");
    }));
});

const FileSet = message("google.protobuf.FileDescriptorSet", { file: repeated(bytes(1)) });

async function* each() {}
