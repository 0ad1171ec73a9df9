import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { helloService, type Started, type TestFolder, testFolder } from "./command.fixture.ts";

let folder: TestFolder;
let app: Started;
let client: Client;

before(async () => {
  const yaml =
    "app: hello\nuse: { protocol: grpc }\noptions: { protocol/grpc: { maxMessageBytes: 1024 } }\nservices: [hello]";
  folder = await testFolder({ "hello/hello.ts": helloService, "app.yaml": yaml });
  app = await folder.start(["app.yaml"]);
  const [endpoint] = app.up.endpoints as readonly { readonly address: string }[];
  client = new Client(endpoint?.address ?? "", credentials.createInsecure());
});
after(async () => {
  client.close();
  await app.stop();
  await folder[Symbol.asyncDispose]();
});

/** Sends bytes to a method, as a client that knows nothing of contracts can. */
function send(path: string, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const same = (value: Buffer) => value;
    client.makeUnaryRequest(path, same, same, Buffer.from(bytes), (error, value) =>
      error ? reject(error) : resolve(value ?? Buffer.alloc(0)),
    );
  });
}

async function refuses(path: string, bytes: Uint8Array, code: status, says: RegExp): Promise<void> {
  await assert.rejects(send(path, bytes), (error: ServiceError) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.details, says);
    return true;
  });
}

describe("an app that a stranger calls", () => {
  it("refuses malformed bytes, and says where they are wrong", async () => {
    await refuses(
      "/hello.v1.Hello/Greet",
      new Uint8Array([0x0a, 0x05, 0x41]),
      status.INVALID_ARGUMENT,
      /hello\.v1\.Name/,
    );
    await refuses("/hello.v1.Hello/Greet", new Uint8Array([0x0a, 0x02, 0xc3, 0x28]), status.INVALID_ARGUMENT, /name/);
  });

  it("refuses a message that is too large, and says what is allowed", async () => {
    const large = Buffer.concat([Buffer.from([0x0a, 0xd0, 0x0f]), Buffer.alloc(2000, "a")]);
    await refuses("/hello.v1.Hello/Greet", large, status.RESOURCE_EXHAUSTED, /1024/);
  });

  it("refuses unknown methods and services", async () => {
    await refuses("/hello.v1.Hello/Gret", new Uint8Array(), status.UNIMPLEMENTED, /Gret/);
    await refuses("/hello.v1.Helo/Greet", new Uint8Array(), status.UNIMPLEMENTED, /Helo/);
  });

  it("goes on serving, with nothing in its log but the start", async () => {
    assert.match(
      (await send("/hello.v1.Hello/Greet", Buffer.from([0x0a, 0x03, 0x41, 0x6e, 0x6e]))).toString(),
      /Hello Ann/,
    );
    assert.deepEqual(
      app.log.map(({ message }) => message),
      ["hello is up"],
    );
  });
});
