import assert from "node:assert/strict";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { statusCodes } from "../call/status.ts";
import { helloService, type Started, type TestFolder, testFolder } from "./command.fixture.ts";

let folder: TestFolder;
let app: Started;
let session: ClientHttp2Session;

before(async () => {
  const yaml =
    "app: hello\nuse: { protocol: grpc }\noptions: { protocol/grpc: { maxMessageBytes: 1024 } }\nservices: [hello]";
  folder = await testFolder({ "hello/hello.ts": helloService, "app.yaml": yaml });
  app = await folder.start(["app.yaml"]);
  const [endpoint] = app.up.endpoints as readonly { readonly address: string }[];
  session = connect(`http://${endpoint?.address}`);
});
after(async () => {
  session.close();
  await app.stop();
  await folder[Symbol.asyncDispose]();
});

interface Answer {
  readonly code: number;
  readonly message: string;
  readonly body: Buffer;
}

/** Sends bytes to a method, as a client that knows nothing of contracts can: plain HTTP/2 with gRPC's five bytes in front. */
async function send(path: string, bytes: Uint8Array): Promise<Answer> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  stream.end(Buffer.concat([prefix, bytes]));
  let last: IncomingHttpHeaders = {};
  stream.on("response", (headers) => (last = { ...last, ...headers }));
  stream.on("trailers", (trailers) => (last = { ...last, ...trailers }));
  const body = await buffer(stream);
  const message = decodeURIComponent(String(last["grpc-message"] ?? ""));
  return { code: Number(last["grpc-status"]), message, body };
}

async function refuses(path: string, bytes: Uint8Array, code: keyof typeof statusCodes, says: RegExp): Promise<void> {
  const answer = await send(path, bytes);
  assert.equal(answer.code, statusCodes[code], answer.message);
  assert.match(answer.message, says);
}

describe("an app that a stranger calls", () => {
  it("refuses malformed bytes, and says where they are wrong", async () => {
    await refuses("/hello.v1.Hello/Greet", new Uint8Array([0x0a, 0x05, 0x41]), "INVALID_ARGUMENT", /hello\.v1\.Name/);
    await refuses("/hello.v1.Hello/Greet", new Uint8Array([0x0a, 0x02, 0xc3, 0x28]), "INVALID_ARGUMENT", /name/);
  });

  it("refuses a message that is too large, and says what is allowed", async () => {
    const large = Buffer.concat([Buffer.from([0x0a, 0xd0, 0x0f]), Buffer.alloc(2000, "a")]);
    await refuses("/hello.v1.Hello/Greet", large, "RESOURCE_EXHAUSTED", /1024/);
  });

  it("refuses unknown methods and services", async () => {
    await refuses("/hello.v1.Hello/Gret", new Uint8Array(), "UNIMPLEMENTED", /Gret/);
    await refuses("/hello.v1.Helo/Greet", new Uint8Array(), "UNIMPLEMENTED", /Helo/);
  });

  it("goes on serving, with nothing in its log but the start", async () => {
    const { code, body } = await send("/hello.v1.Hello/Greet", Buffer.from([0x0a, 0x03, 0x41, 0x6e, 0x6e]));
    assert.equal(code, 0);
    assert.match(body.toString(), /Hello Ann/);
    assert.deepEqual(
      app.log.map(({ message }) => message),
      ["hello is up"],
    );
  });
});
