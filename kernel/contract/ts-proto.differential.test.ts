import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { codecOf } from "./codec/codec.ts";
import { pathOf } from "./proto/files.ts";
import { localName } from "./proto/names.ts";
import { protoFiles } from "./proto/print.ts";
import * as orders from "./testing/contracts/order.ts";
import { messageTypes } from "./testing/message-types.ts";
import { messageValues } from "./testing/message-values.ts";
import { type GeneratedMessage, generateTsProto, protoWorkspace } from "./testing/ts-proto.ts";
import type { MessageType } from "./types.ts";

const seed = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
// ts-proto takes negative zero for zero and leaves it out.
const agreed = { negativeZero: false };

const types = fc
  .sample(messageTypes({ required: false }), { numRuns: 60, seed })
  .map(([root]) => root as MessageType<object>);
const workspace = await protoWorkspace(protoFiles([...types, ...Object.values(orders).filter((one) => "kind" in one)]));
after(() => workspace[Symbol.asyncDispose]());
const load = await generateTsProto(workspace);

async function generated(type: MessageType): Promise<GeneratedMessage> {
  const module = await load(pathOf(type.name));
  return module[localName(type.name)] as GeneratedMessage;
}

/** Checked by the compiler in a project of its own. */
const typeCheck = `
import type { Order as Ours } from "../kernel/contract/testing/contracts/order.ts";
import type { Order as Theirs } from "./gen/test/order/v1/order.ts";
declare const theirs: Theirs & { readonly createdAt: NonNullable<Theirs["createdAt"]> };
declare const ours: Omit<Ours, "labels" | "stock"> & Pick<Theirs, "labels" | "stock">;
export const toOurs: Ours = theirs;
export const toTheirs: Theirs = ours;
`;

describe(`beside ts-proto's code (seed ${seed})`, () => {
  for (const type of types) {
    const values = messageValues(type, agreed);

    it(`${type.name} has the same bytes and reads the other's`, async () => {
      const theirs = await generated(type);
      const ours = codecOf(type);
      fc.assert(
        fc.property(values, (value) => {
          const bytes = theirs.encode(value).finish();
          assert.deepEqual(ours.encode(value), bytes);
          assert.deepEqual(ours.decode(bytes), value);
          assert.deepEqual(theirs.decode(bytes), ours.decode(bytes));
        }),
        { numRuns: 40, seed },
      );
    });
  }

  it("generated types take part in ours, but for maps being read-only and what is required", async () => {
    await writeFile(join(workspace.dir, "proto/types.ts"), typeCheck);
    assert.equal(await workspace.run("tsc", "-p", "."), "");
  });
});
