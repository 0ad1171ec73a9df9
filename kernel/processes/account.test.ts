import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findAccount } from "./account.ts";

const passwd =
  "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/:/bin/false\npostgres:x:101:104::/:/bin/sh\n";

describe("findAccount", () => {
  it("prefers the account named first", () => {
    assert.deepEqual(findAccount(passwd, ["postgres", "nobody"]), { uid: 101, gid: 104 });
  });

  it("takes the next when the first is not there", () => {
    assert.deepEqual(findAccount(passwd, ["pgsql", "nobody"]), { uid: 65534, gid: 65533 });
  });

  it("finds nobody in an empty list", () => assert.equal(findAccount("", ["nobody"]), undefined));
});
