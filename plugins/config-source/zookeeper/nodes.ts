import type { Log, Ports } from "@mortise/kernel";
import type { VersionServer } from "@mortise/kernel/spi/versioned-config";
import type { ZooKeeperDriver, ZooKeeperError } from "@mortise/kernel/zookeeper/driver";
import { type SessionOptions, zooKeeperSessions } from "@mortise/kernel/zookeeper/session";

/** Somebody who is told of versions of an app. A watch of ZooKeeper tells once and is then armed anew. */
interface Listening {
  readonly app: string;
  readonly changed: () => void;
}

/** Keeps versions in `<root>/<app>/versions/<number>`, and reports in ephemeral nodes `<root>/<app>/processes/<name>`. */
export async function zooKeeperVersions(
  driver: ZooKeeperDriver,
  { root, ...options }: SessionOptions & { readonly root: string },
  ports: Pick<Ports, "clock" | "timers">,
  log: Log,
): Promise<VersionServer> {
  const { Exception, CreateMode, ACL } = driver;
  const acls = options.user === undefined ? ACL.OPEN_ACL_UNSAFE : ACL.CREATOR_ALL_ACL;
  const listening = new Set<Listening>();
  const sessions = await zooKeeperSessions(driver, options, ports, log, () => {
    for (const one of listening) void arm(one);
  });
  const versions = (app: string) => `${root}/${app}/versions`;
  const processes = (app: string) => `${root}/${app}/processes`;

  /** Gives `otherwise` in place of an error of this code. */
  async function unless<T, O>(code: number, work: Promise<T>, otherwise: O): Promise<T | O> {
    try {
      return await work;
    } catch (error) {
      if ((error as Partial<ZooKeeperError>).getCode?.() === code) return otherwise;
      throw error;
    }
  }

  const children = (path: string, changed?: () => void): Promise<readonly string[]> =>
    unless(
      Exception.NO_NODE,
      sessions.ask<readonly string[]>((client, done) =>
        changed ? client.getChildren(path, changed, done) : client.getChildren(path, done),
      ),
      [],
    );

  const data = (path: string): Promise<string | undefined> =>
    unless(
      Exception.NO_NODE,
      sessions.ask<string>((client, done) =>
        client.getData(path, (error, found) => (error ? done(error) : done(null, found?.toString() ?? ""))),
      ),
      undefined,
    );

  /** Makes a node, and the folders above it; false if there is such a node. */
  async function make(path: string, text: string, mode: number): Promise<boolean> {
    const created = sessions.ask<string>((client, done) => client.create(path, Buffer.from(text), acls, mode, done));
    const result = await unless(Exception.NODE_EXISTS, unless(Exception.NO_NODE, created, undefined), false);
    if (result !== undefined) return result !== false;
    await make(path.slice(0, path.lastIndexOf("/")), "", CreateMode.PERSISTENT);
    return make(path, text, mode);
  }

  const remove = async (path: string) => {
    await unless(
      Exception.NO_NODE,
      sessions.ask((client, done) => client.remove(path, done)),
      undefined,
    );
  };

  /** There is a folder to watch then. */
  async function arm(one: Listening): Promise<void> {
    if (!listening.has(one)) return;
    try {
      await make(versions(one.app), "", CreateMode.PERSISTENT);
      await children(versions(one.app), () => void arm(one));
      one.changed();
    } catch (error) {
      log.debug("config-source/zookeeper: cannot watch; looks by the clock go on", { error });
    }
  }

  return {
    numbers: async (app) => (await children(versions(app))).map(Number),
    read: (app, version) => data(`${versions(app)}/${version}`),
    create: (app, version, text) => make(`${versions(app)}/${version}`, text, CreateMode.PERSISTENT),
    remove: (app, version) => remove(`${versions(app)}/${version}`),
    listen(app, changed) {
      const one = { app, changed };
      listening.add(one);
      void arm(one);
      return () => void listening.delete(one);
    },
    async putReport(app, process, text) {
      const path = `${processes(app)}/${encodeURIComponent(process)}`;
      await remove(path);
      await make(path, text, CreateMode.EPHEMERAL);
    },
    dropReport: (app, process) => remove(`${processes(app)}/${encodeURIComponent(process)}`),
    async reports(app) {
      const texts = await Promise.all(
        (await children(processes(app))).map((name) => data(`${processes(app)}/${name}`)),
      );
      return texts.filter((text) => text !== undefined);
    },
    close: sessions.close,
  };
}
