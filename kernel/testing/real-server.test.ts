import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { natsServer } from "./nats-server.ts";
import { MissingServer, onServer } from "./on-server.ts";
import { type Place, realServer, type ServerProgram } from "./real-server.ts";

const absent: ServerProgram = {
  name: "unheard-of server",
  env: "MORTISE_NO_SUCH_URL",
  command: "mortise-no-such-command",
  args: () => [],
  url: () => "",
};

await onServer(
  "realServer with nats-server",
  () => natsServer({ ours: true }),
  (nats) => {
    it("gives a server that listens where its url says", async () => {
      assert.equal(nats.url, `nats://127.0.0.1:${nats.port}`);
      assert.match(await greeting(nats.port), /^INFO .*"jetstream":true/);
    });

    it("starts it again on its port after a kill", async () => {
      await nats.kill();
      await assert.rejects(greeting(nats.port));
      await nats.restart();
      assert.match(await greeting(nats.port), /^INFO /);
    });

    it("removes the data when it stops", async () => {
      let place: Place | undefined;
      const program: ServerProgram = {
        ...absent,
        command: "nats-server",
        prepare: (given) => {
          place = given;
        },
        args: ({ port, dir }) => ["-p", `${port}`, "-js", "-sd", dir],
      };
      const server = await realServer(program);
      assert.ok(place && existsSync(join(place.dir, "jetstream")));
      await server.stop();
      assert.equal(existsSync(place.dir), false);
    });
  },
);

describe("realServer", () => {
  it("says what is missing and how to get it", async () => {
    await assert.rejects(realServer(absent), (error) => {
      assert.ok(error instanceof MissingServer);
      assert.match(
        error.message,
        /no unheard-of server: set MORTISE_NO_SUCH_URL, or install the command mortise-no-such-command/,
      );
      return true;
    });
  });

  it("takes the server the environment names, and leaves it alone", async () => {
    process.env[absent.env] = "thing://localhost:4711";
    try {
      const server = await realServer(absent);
      assert.deepEqual([server.url, server.port], ["thing://localhost:4711", 4711]);
      await assert.rejects(server.kill(), /MORTISE_NO_SUCH_URL names is not ours to stop/);
      await server.stop();
    } finally {
      delete process.env[absent.env];
    }
  });

  it("tells what a server said that ends at once", async () => {
    const broken = { ...absent, command: "sh", args: () => ["-c", "echo this is why; exit 3"] };
    await assert.rejects(realServer(broken), /ended at once. It said:\nthis is why/);
  });
});

function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.once("data", (data) => {
      socket.destroy();
      resolve(String(data));
    });
  });
}
