import assert from "node:assert/strict";
import { it } from "node:test";
import type { Sessions } from "@mortise/kernel";
import { sessionConformance } from "@mortise/kernel/spi/session.conformance";
import { startPlugin, virtualPorts } from "@mortise/kernel/testing";
import { z } from "zod";
import { memory } from "./memory.ts";

sessionConformance({
  name: "memory",
  make() {
    let only: ReturnType<typeof startPlugin<Sessions>> | undefined;
    return {
      subject: {
        open(ports) {
          only ??= startPlugin<Sessions>(memory, { ports });
          return only;
        },
      },
    };
  },
});

it("keeps so many sessions at most, and rather those that are not over", async () => {
  const ports = virtualPorts();
  const { api } = await startPlugin<Sessions>(memory, { options: { maxSessions: 3 }, ports });
  const kind = { name: "a", schema: z.object({}), idleMs: 0, maxMs: 1000 };
  const lasting = { ...kind, maxMs: 9000 };
  const kept = [await api.create(lasting, {}), await api.create(lasting, {})];
  await api.create(kind, {});
  await ports.advance(2000);
  kept.push(await api.create(lasting, {}));
  for (const { id } of kept) assert.ok(await api.get(lasting, id));
  const last = await api.create(lasting, {});
  const alive = await Promise.all([...kept, last].map(({ id }) => api.get(lasting, id)));
  assert.equal(alive.filter((one) => one !== undefined).length, 3);
  assert.ok(alive.at(-1));
});
