import { loadDriver } from "../spi/load-driver.ts";

// What our plugins use of the package, which brings no types.

type Answer<T extends readonly unknown[] = []> = (error: ZooKeeperError | null, ...given: T) => void;

export interface ZooKeeperError extends Error {
  getCode(): number;
}

export interface Stat {
  /** The transaction that made the node, 8 bytes. */
  readonly czxid: Buffer;
  /** Grows with every write of the data. */
  readonly version: number;
  readonly numChildren: number;
}

export interface Transaction {
  create(path: string, data: Buffer, acls: readonly unknown[], mode: number): Transaction;
  remove(path: string): Transaction;
  commit(done: Answer): void;
}

/** One session. It connects anew by itself until the session has expired or is closed. */
export interface ZooKeeperClient {
  connect(): void;
  close(): void;
  on(event: "connected" | "disconnected" | "expired" | "authenticationFailed", listener: () => void): void;
  addAuthInfo(scheme: string, auth: Buffer): void;
  create(path: string, acls: readonly unknown[], mode: number, done: Answer): void;
  create(path: string, data: Buffer, acls: readonly unknown[], mode: number, done: Answer<[string]>): void;
  remove(path: string, done: Answer): void;
  remove(path: string, version: number, done: Answer): void;
  setData(path: string, data: Buffer, done: Answer<[Stat]>): void;
  /** As the server has granted it, in milliseconds. */
  getSessionTimeout(): number;
  exists(path: string, done: Answer<[Stat | null]>): void;
  getData(path: string, done: Answer<[Buffer | undefined, Stat]>): void;
  getChildren(path: string, changed: () => void, done: Answer<[string[], Stat]>): void;
  getChildren(path: string, done: Answer<[string[], Stat]>): void;
  transaction(): Transaction;
}

/** The package `node-zookeeper-client`. */
export interface ZooKeeperDriver {
  createClient(servers: string, options: { sessionTimeout: number; spinDelay: number }): ZooKeeperClient;
  readonly ACL: { readonly OPEN_ACL_UNSAFE: readonly unknown[]; readonly CREATOR_ALL_ACL: readonly unknown[] };
  readonly CreateMode: {
    readonly PERSISTENT: number;
    readonly EPHEMERAL: number;
    readonly EPHEMERAL_SEQUENTIAL: number;
  };
  readonly Exception: {
    readonly NO_NODE: number;
    readonly NODE_EXISTS: number;
    readonly BAD_VERSION: number;
    readonly NOT_EMPTY: number;
    readonly SYSTEM_ERROR: number;
    create: (code: number, path?: string) => ZooKeeperError;
  };
}

/**
 * Loads the package `node-zookeeper-client`, which belongs to the plugin.
 * @param by the plugin, for example `lock/zookeeper`
 * @param load `() => import("node-zookeeper-client")`, written out so that bundlers and runtimes see it
 */
export async function zooKeeperDriver(by: string, load: () => Promise<ZooKeeperDriver>): Promise<ZooKeeperDriver> {
  const driver = await loadDriver(by, "node-zookeeper-client", load);
  tolerateNewCodes(driver.Exception);
  return driver;
}

/** The package throws where nobody can catch it when a server of today answers a code it has never heard of (-12, -118 and on). */
function tolerateNewCodes(exception: ZooKeeperDriver["Exception"]): void {
  const { create } = exception;
  if (tolerant.has(create)) return;
  const tolerating = (code: number, path?: string): ZooKeeperError =>
    create(Object.values(exception).includes(code) ? code : exception.SYSTEM_ERROR, path);
  tolerant.add(tolerating);
  exception.create = tolerating;
}

const tolerant = new WeakSet<object>();

/** Breaks the connection of a client, which then makes another one for the same session. */
export function breakConnection(client: ZooKeeperClient): void {
  const { connectionManager } = client as { readonly connectionManager?: { readonly socket?: { destroy(): void } } };
  connectionManager?.socket?.destroy();
}
