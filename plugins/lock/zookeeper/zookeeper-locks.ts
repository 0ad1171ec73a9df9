import type { Clock } from "@mortise/kernel";
import type { LockClaim, LockServer } from "@mortise/kernel/spi/leased-lock";
import { silence } from "@mortise/kernel/spi/silence";
import type { ZooKeeperDriver, ZooKeeperError } from "@mortise/kernel/zookeeper/driver";
import type { Sessions } from "@mortise/kernel/zookeeper/session";

/** A node in the folder of a lock. The one with the lowest number of all has the lock. */
interface Claimed {
  readonly path: string;
  readonly owner: string;
  readonly number: number;
}

/** What a node says, and when it was made. */
interface Look {
  readonly leaseMs: number;
  readonly version: number;
  readonly made: bigint;
}

/**
 * Locks by ephemeral sequential nodes `<root>/<name>/<owner>-<number>`, which end with the session of their process. A renewal
 * writes the node; one that stays the same for a whole lease, in a process that stands still with its session alive, is taken
 * away by whoever waits. Tokens are the transactions that made the nodes.
 */
export function zooKeeperLocks(
  driver: ZooKeeperDriver,
  sessions: Sessions,
  root: string,
  owned: boolean,
  clock: Clock,
): LockServer {
  const { Exception, CreateMode, ACL } = driver;
  const acls = owned ? ACL.CREATOR_ALL_ACL : ACL.OPEN_ACL_UNSAFE;
  const own = new Map<string, string>();
  /** By folder: owners whose claim may be there although its answer was lost. */
  const unknown = new Map<string, Set<string>>();
  const others = silence(clock);
  const folderOf = (name: string) => `${root}/${Buffer.from(name).toString("base64url")}`;

  /** Gives `otherwise` in place of an error of one of these codes. */
  async function unless<T, O>(codes: readonly number[], work: Promise<T>, otherwise: O): Promise<T | O> {
    try {
      return await work;
    } catch (error) {
      if (codes.includes((error as Partial<ZooKeeperError>).getCode?.() ?? 0)) return otherwise;
      throw error;
    }
  }

  async function claims(folder: string): Promise<Claimed[]> {
    const names = await unless(
      [Exception.NO_NODE],
      sessions.ask<readonly string[]>((client, done) => client.getChildren(folder, done)),
      [],
    );
    return names
      .map((name) => ({ path: `${folder}/${name}`, owner: name.slice(0, -11), number: Number(name.slice(-10)) }))
      .sort((a, b) => a.number - b.number);
  }

  async function make(path: string): Promise<void> {
    const created = sessions.ask<string>((client, done) =>
      client.create(path, Buffer.alloc(0), acls, CreateMode.PERSISTENT, done),
    );
    if ((await unless([Exception.NO_NODE], unless([Exception.NODE_EXISTS], created, ""), undefined)) !== undefined)
      return;
    await make(path.slice(0, path.lastIndexOf("/")));
    await make(path);
  }

  async function claim(folder: string, { owner, leaseMs }: LockClaim): Promise<void> {
    const created = sessions.ask<string>((client, done) =>
      client.create(`${folder}/${owner}-`, dataOf(leaseMs), acls, CreateMode.EPHEMERAL_SEQUENTIAL, done),
    );
    if ((await unless([Exception.NO_NODE], created, undefined)) !== undefined) return;
    await make(folder);
    await claim(folder, { name: "", owner, leaseMs });
  }

  const look = (path: string): Promise<Look | undefined> =>
    unless(
      [Exception.NO_NODE],
      sessions.ask<Look>((client, done) =>
        client.getData(path, (error, data, stat) =>
          error
            ? done(error)
            : done(null, { leaseMs: Number(data), version: stat.version, made: stat.czxid.readBigInt64BE() }),
        ),
      ),
      undefined,
    );

  async function remove(path: string, version = -1): Promise<void> {
    const removed = sessions.ask((client, done) => client.remove(path, version, done));
    await unless([Exception.NO_NODE, Exception.BAD_VERSION, Exception.NOT_EMPTY], removed, undefined);
  }

  /** Takes a node away whose owner has been silent for its lease; true if somebody lives on in it. */
  async function holds({ path }: Claimed): Promise<boolean> {
    const seen = await look(path);
    if (!seen) return false;
    if (!others.isSilent(path, `${seen.version}`, seen.leaseMs)) return true;
    others.forget(path);
    await remove(path, seen.version);
    return false;
  }

  async function taken(folder: string, wanted: LockClaim): Promise<bigint | undefined> {
    const [first] = await claims(folder);
    if (first && first.owner !== wanted.owner && (await holds(first))) return undefined;
    if (first?.owner !== wanted.owner) await claim(folder, wanted);
    const now = await claims(folder);
    const mine = now.filter(({ owner }) => owner === wanted.owner);
    const held = mine.find(({ path }) => path === now[0]?.path);
    await Promise.all(mine.filter((one) => one !== held).map(({ path }) => remove(path)));
    const made = held && (await look(held.path))?.made;
    if (!held || made === undefined) return undefined;
    own.set(wanted.owner, held.path);
    return made;
  }

  /** Takes away what this process has made without knowing, because the answer was lost with the connection. */
  async function clean(folder: string, wanted: string): Promise<void> {
    const owners = unknown.get(folder);
    if (!owners) return;
    const stale = (await claims(folder)).filter(({ owner }) => owner !== wanted && owners.has(owner));
    await Promise.all(stale.map(({ path }) => remove(path)));
    unknown.delete(folder);
  }

  return {
    async take(wanted) {
      const folder = folderOf(wanted.name);
      try {
        await clean(folder, wanted.owner);
        return await taken(folder, wanted);
      } catch (error) {
        unknown.set(folder, (unknown.get(folder) ?? new Set()).add(wanted.owner));
        throw error;
      }
    },
    async renew({ owner, leaseMs }) {
      const path = own.get(owner);
      if (path === undefined) return false;
      const written = sessions.ask((client, done) => client.setData(path, dataOf(leaseMs), (error) => done(error)));
      return (await unless([Exception.NO_NODE], written, false)) !== false;
    },
    async release({ name, owner }) {
      const path = own.get(owner);
      own.delete(owner);
      if (path === undefined) return;
      await remove(path);
      await remove(folderOf(name));
    },
    close: sessions.close,
  };
}

function dataOf(leaseMs: number): Buffer {
  return Buffer.from(`${leaseMs}`);
}
