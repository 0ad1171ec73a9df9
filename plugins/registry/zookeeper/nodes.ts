import { createHash } from "node:crypto";
import type { LeasedEntry } from "@mortise/kernel/spi/leased-registry";
import type { ZooKeeperDriver, ZooKeeperError } from "@mortise/kernel/zookeeper/driver";
import type { Sessions } from "@mortise/kernel/zookeeper/session";

/** What lies in one node. */
export interface NodeContent {
  readonly id: string;
  readonly text: string;
  /** The transaction that made it. */
  readonly made: bigint;
}

/** Nodes of instances: `<root>/<service>/<id>;<hash>`. A changed instance has another name, so lists alone tell of changes. */
export interface Nodes {
  /** Names of a service's nodes; none when there is no such service. Calls `changed` once, when they are others. */
  names(service: string, changed?: () => void): Promise<readonly string[]>;
  /** Undefined when it is gone. */
  read(service: string, name: string): Promise<NodeContent | undefined>;
  /** Makes the folder of a service if it is not there. */
  ensure(service: string): Promise<void>;
  /** Makes the node in place of all others of the same id, in one transaction. */
  put(entry: LeasedEntry): Promise<void>;
  remove(entry: LeasedEntry): Promise<void>;
  /** Names of the services that have nodes. */
  services(): Promise<readonly string[]>;
}

/** How often to try when somebody else changes the same nodes at the same moment. */
const tries = 5;

/** @param owned whether only the user who is logged in may touch the nodes */
export function zooKeeperNodes(driver: ZooKeeperDriver, sessions: Sessions, root: string, owned: boolean): Nodes {
  const { Exception, CreateMode, ACL } = driver;
  const acls = owned ? ACL.CREATOR_ALL_ACL : ACL.OPEN_ACL_UNSAFE;
  const folder = (service: string) => `${root}/${service}`;
  const is = (error: unknown, ...codes: readonly number[]) => codes.includes(codeOf(error));

  /** Gives `otherwise` in place of an error of one of these codes. */
  async function unless<T, O>(codes: readonly number[], work: Promise<T>, otherwise: O): Promise<T | O> {
    try {
      return await work;
    } catch (error) {
      if (is(error, ...codes)) return otherwise;
      throw error;
    }
  }

  async function make(path: string): Promise<void> {
    const created = sessions.ask((client, done) => client.create(path, acls, CreateMode.PERSISTENT, done));
    const missing = await unless([Exception.NO_NODE], unless([Exception.NODE_EXISTS], created, undefined), "parent");
    if (missing !== "parent") return;
    await make(path.slice(0, path.lastIndexOf("/")));
    await make(path);
  }

  const children = (path: string, changed?: () => void): Promise<readonly string[]> =>
    unless(
      [Exception.NO_NODE],
      sessions.ask<readonly string[]>((client, done) =>
        changed ? client.getChildren(path, changed, done) : client.getChildren(path, done),
      ),
      [],
    );

  async function replace(entry: LeasedEntry): Promise<void> {
    const at = folder(entry.service);
    const older = (await children(at)).filter((name) => idOf(name) === entry.id);
    await sessions.ask((client, done) => {
      const transaction = client.transaction();
      for (const name of older) transaction.remove(`${at}/${name}`);
      transaction.create(`${at}/${nameOf(entry)}`, Buffer.from(entry.text), acls, CreateMode.EPHEMERAL).commit(done);
    });
  }

  return {
    names: (service, changed) => children(folder(service), changed),
    async read(service, name) {
      const path = `${folder(service)}/${name}`;
      const asked = sessions.ask<NodeContent>((client, done) =>
        client.getData(path, (error, data, stat) =>
          error
            ? done(error)
            : done(null, { id: idOf(name), text: data?.toString() ?? "", made: stat.czxid.readBigInt64BE() }),
        ),
      );
      return unless([Exception.NO_NODE], asked, undefined);
    },
    ensure: (service) => make(folder(service)),
    async put(entry) {
      for (let i = 1; ; i++) {
        try {
          return await replace(entry);
        } catch (error) {
          if (i >= tries || !is(error, Exception.NO_NODE, Exception.NODE_EXISTS)) throw error;
          await make(folder(entry.service));
        }
      }
    },
    async remove(entry) {
      const path = `${folder(entry.service)}/${nameOf(entry)}`;
      const removed = sessions.ask((client, done) => client.remove(path, done));
      await unless([Exception.NO_NODE], removed, undefined);
    },
    async services() {
      const all = await children(root);
      const filled = await Promise.all(all.map(async (service) => (await children(folder(service))).length > 0));
      return all.filter((_, i) => filled[i]);
    },
  };
}

function codeOf(error: unknown): number {
  const { getCode } = error as Partial<ZooKeeperError>;
  return typeof getCode === "function" ? getCode.call(error) : 0;
}

function nameOf({ id, text }: LeasedEntry): string {
  return `${encodeURIComponent(id)};${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}

function idOf(name: string): string {
  return decodeURIComponent(name.slice(0, Math.max(0, name.lastIndexOf(";"))));
}
