import type { Clock } from "@mortise/kernel";
import type { SessionRow, SessionTable } from "@mortise/kernel/spi/kept-sessions";
import type { RedisClientType } from "redis";

/** A row stays so much longer than its session, so that clocks that differ end none early, in milliseconds. */
const graceMs = 60_000;

/** KEYS: row; ARGV: its new end, what is left until then. */
const touchScript = `
local ends = tonumber(redis.call("HGET", KEYS[1], "expiresAt"))
if not ends or ends >= tonumber(ARGV[1]) then return 0 end
redis.call("HSET", KEYS[1], "expiresAt", ARGV[1])
return redis.call("PEXPIRE", KEYS[1], ARGV[2])`;

/** KEYS: row, and where it is to be; ARGV: the revision it must have, what is left, then the fields of the new row. */
const writeScript = `
if redis.call("HGET", KEYS[1], "revision") ~= ARGV[1] then return 0 end
if KEYS[1] ~= KEYS[2] then redis.call("DEL", KEYS[1]) end
redis.call("HSET", KEYS[2], unpack(ARGV, 3))
return redis.call("PEXPIRE", KEYS[2], ARGV[2])`;

/** A row is a hash that ends with its session. */
export function redisTable(client: RedisClientType, prefix: string, { wall }: Clock): SessionTable {
  const at = (key: string) => `${prefix}${key}`;
  const left = (expiresAt: number) => `${Math.max(1, Math.ceil(expiresAt - wall())) + graceMs}`;

  async function write(key: string, to: string, row: SessionRow, revision: number): Promise<boolean> {
    const given = [`${revision}`, left(row.expiresAt), ...fieldsOf(row)];
    return (await client.eval(writeScript, { keys: [at(key), at(to)], arguments: given })) === 1;
  }

  return {
    async insert(key, row) {
      await client
        .multi()
        .hSet(at(key), fieldsOf(row))
        .pExpire(at(key), Number(left(row.expiresAt)))
        .exec();
    },
    async read(key) {
      const { data, ...rest } = await client.hGetAll(at(key));
      const { revision, createdAt, expiresAt, endsAt } = rest;
      if (data === undefined) return undefined;
      return {
        data,
        revision: Number(revision),
        createdAt: Number(createdAt),
        expiresAt: Number(expiresAt),
        endsAt: Number(endsAt),
      };
    },
    async touch(key, expiresAt) {
      await client.eval(touchScript, { keys: [at(key)], arguments: [`${expiresAt}`, left(expiresAt)] });
    },
    write: (key, row, revision) => write(key, key, row, revision),
    move: write,
    async remove(key) {
      await client.del(at(key));
    },
  };
}

function fieldsOf(row: SessionRow): string[] {
  return Object.entries(row).flatMap(([name, value]) => [name, `${value}`]);
}
