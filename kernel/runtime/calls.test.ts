import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Echo } from "../testing/echo-contract.ts";
import { echoEvents } from "../testing/echo-service.ts";
import { echoService, testApp } from "../testing/test-app.ts";

describe("a call within an app", () => {
  it("reaches the handler and comes back", async () => {
    const events = echoEvents();
    await using app = await testApp({ plugins: [echoService(events)] });
    const echo = app.clients.client(Echo);
    assert.deepEqual(await echo.bytes({ size: 3 }), { data: new Uint8Array([0, 31, 62]) });
    assert.equal(events.begun, 1);
  });
});
