import assert from "node:assert/strict";
import { it } from "node:test";
import { zooKeeperDriver } from "./driver.ts";

it("takes a code the package has never heard of for an error of the server, and keeps those it knows", async () => {
  // @ts-expect-error: the package has no types
  const load = () => import("node-zookeeper-client");
  await zooKeeperDriver("lock/zookeeper", load);
  const { Exception } = await zooKeeperDriver("registry/zookeeper", load);
  assert.equal(Exception.create(-12).getCode(), Exception.SYSTEM_ERROR);
  assert.equal(Exception.create(Exception.NO_NODE, "/a").getCode(), Exception.NO_NODE);
});
