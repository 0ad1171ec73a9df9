import { loadDriver } from "@mortise/kernel/spi/load-driver";

// What this plugin uses of the package, which brings no types.

type Answer<T extends readonly unknown[] = []> = (error: ZooKeeperError | null, ...given: T) => void;

export interface ZooKeeperError extends Error {
  getCode(): number;
}

export interface Stat {
  /** The transaction that made the node, 8 bytes. */
  readonly czxid: Buffer;
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
  remove(path: string, done: Answer): void;
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
  readonly CreateMode: { readonly PERSISTENT: number; readonly EPHEMERAL: number };
  readonly Exception: { readonly NO_NODE: number; readonly NODE_EXISTS: number };
}

export async function zooKeeperDriver(): Promise<ZooKeeperDriver> {
  const name = "node-zookeeper-client";
  // @ts-expect-error: the package has no types
  return loadDriver<ZooKeeperDriver>("registry/zookeeper", name, () => import("node-zookeeper-client"));
}
