import { createHash } from "node:crypto";
import { StatusError } from "../call/status.ts";
import { reasonOf } from "../core/errors.ts";
import type { Ports } from "../core/ports.ts";
import type { Schema } from "../core/schema.ts";
import type { Session, SessionKind, Sessions } from "./session.ts";

/** A session as a server keeps it, under a digest of its id. Times are in milliseconds since 1970. */
export interface SessionRow {
  /** JSON. */
  readonly data: string;
  readonly revision: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly endsAt: number;
}

/** A server that keeps rows. What is over may stay for a while, and is not given out; what is not over never goes. */
export interface SessionTable {
  insert(key: string, row: SessionRow): Promise<void>;
  read(key: string): Promise<SessionRow | undefined>;
  /** Puts the end off if there is such a row. */
  touch(key: string, expiresAt: number): Promise<void>;
  /** Writes if the revision is still this one. Of two at once, one is true. */
  write(key: string, row: SessionRow, revision: number): Promise<boolean>;
  /** The same under another key, which takes the place of the old one: nobody ever sees both, or none. */
  move(key: string, to: string, row: SessionRow, revision: number): Promise<boolean>;
  remove(key: string): Promise<void>;
}

/** The end of a session is put off only when that makes it longer by this part of the idle time: most reads only read. */
const touchPart = 0.05;
/** How often a change is tried anew; each failure is a success of somebody else. */
const maxTries = 1000;

/** Sessions over a table of rows: ids, expiry, schemas and changes that are not lost. */
export function keptSessions(table: SessionTable, { clock }: Pick<Ports, "clock">, newId: () => string): Sessions {
  const rowOf = <D>(kind: SessionKind<D>, data: D, now: number): SessionRow => ({
    data: written(kind, data),
    revision: 1,
    createdAt: now,
    expiresAt: end(kind, now, now + kind.maxMs),
    endsAt: now + kind.maxMs,
  });

  /** The row if it is not over, and its data if they make sense. */
  async function look<D>(kind: SessionKind<D>, id: string) {
    const row = await asked(table.read(keyOf(kind, id)));
    if (!row || row.expiresAt <= clock.wall()) return undefined;
    const data = readData(kind, row.data);
    return data && { row, data: data.value };
  }

  async function touch<D>(kind: SessionKind<D>, id: string, row: SessionRow): Promise<SessionRow> {
    const expiresAt = end(kind, clock.wall(), row.endsAt);
    if (expiresAt - row.expiresAt <= touchPart * kind.idleMs) return row;
    await asked(table.touch(keyOf(kind, id), expiresAt));
    return { ...row, expiresAt };
  }

  /** The next revision of a row. */
  const changed = <D>(kind: SessionKind<D>, row: SessionRow, data: D): SessionRow => ({
    ...row,
    data: written(kind, data),
    revision: row.revision + 1,
    expiresAt: end(kind, clock.wall(), row.endsAt),
  });

  /** Reads, changes and writes until nobody comes between. */
  async function change<D>(
    kind: SessionKind<D>,
    id: string,
    work: (data: D) => D,
    put: (row: SessionRow, revision: number) => Promise<boolean>,
  ): Promise<{ readonly row: SessionRow; readonly data: D } | undefined> {
    for (let tries = 0; tries < maxTries; tries++) {
      const found = await look(kind, id);
      if (!found) return undefined;
      const data = work(found.data);
      const row = changed(kind, found.row, data);
      if (await asked(put(row, found.row.revision))) return { row, data };
    }
    throw new StatusError("ABORTED", `a session of ${kind.name} is changed all the time by others`);
  }

  return {
    async create(kind, data) {
      const id = newId();
      const row = rowOf(kind, data, clock.wall());
      await asked(table.insert(keyOf(kind, id), row));
      return sessionOf(id, row, data);
    },
    async get(kind, id) {
      const found = await look(kind, id);
      return found && sessionOf(id, await touch(kind, id, found.row), found.data);
    },
    async update(kind, id, work) {
      const done = await change(kind, id, work, (row, revision) => table.write(keyOf(kind, id), row, revision));
      return done && sessionOf(id, done.row, done.data);
    },
    async replace(kind, read, data) {
      const found = await look(kind, read.id);
      if (!found) return undefined;
      const row = changed(kind, found.row, data);
      if (await asked(table.write(keyOf(kind, read.id), { ...row, revision: read.revision + 1 }, read.revision)))
        return sessionOf(read.id, row, data);
      throw new StatusError("ABORTED", `a session of ${kind.name} has been changed since it was read`, {
        reason: "SESSION_CHANGED",
      });
    },
    async regenerate(kind, id, work = (data) => data) {
      const next = newId();
      const put = (row: SessionRow, revision: number) => table.move(keyOf(kind, id), keyOf(kind, next), row, revision);
      const done = await change(kind, id, work, put);
      return done && sessionOf(next, done.row, done.data);
    },
    destroy: (kind, id) => asked(table.remove(keyOf(kind, id))),
  };
}

/** Who reads what a server keeps cannot take over a session. */
function keyOf({ name }: SessionKind<unknown>, id: string): string {
  return createHash("sha256").update(`${name}\n${id}`).digest("base64url");
}

function end({ idleMs }: SessionKind<unknown>, now: number, endsAt: number): number {
  return idleMs === 0 ? endsAt : Math.min(endsAt, now + idleMs);
}

function sessionOf<D>(id: string, { revision, createdAt, expiresAt, endsAt }: SessionRow, data: D): Session<D> {
  return { id, data, revision, createdAt, expiresAt, endsAt };
}

function written<D>(kind: SessionKind<D>, data: D): string {
  const json = JSON.stringify(data);
  const { issues } = checked(kind.schema, json === undefined ? undefined : JSON.parse(json));
  if (!issues) return json;
  const why = issues.map(({ message, path = [] }) => `${path.map(stepOf).join(".")}: ${message}`.replace(/^: /, ""));
  throw new StatusError("INVALID_ARGUMENT", `data of a session of ${kind.name}: ${why.join("; ")}`);
}

function readData<D>(kind: SessionKind<D>, json: string): { readonly value: D } | undefined {
  const result = checked(kind.schema, JSON.parse(json));
  return result.issues ? undefined : { value: result.value };
}

function checked<D>(schema: Schema<D>, value: unknown) {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) throw new TypeError("the schema of a session answers at once");
  return result;
}

function stepOf(step: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof step === "object" ? step.key : step);
}

async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw new StatusError("UNAVAILABLE", `sessions cannot be asked for: ${reasonOf(error)}`, { cause: error });
  }
}
