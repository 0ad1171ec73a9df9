// All times are the server's own, so the clocks of the processes do not matter.

/** Keeps an entry for ARGV[4] milliseconds and tells of it. KEYS: leases, values, services; ARGV: id, text, service, lease, channel. */
export const putScript = `
local time = redis.call("TIME")
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[4])
redis.call("ZADD", KEYS[1], ends, ARGV[1])
redis.call("HSET", KEYS[2], ARGV[1], ARGV[2])
redis.call("ZADD", KEYS[3], "GT", ends, ARGV[3])
redis.call("PUBLISH", ARGV[5], "+" .. ARGV[1] .. "\\0" .. ARGV[2])
return ends`;

/** Takes an entry away and tells of it. KEYS: leases, values, services; ARGV: id, service, channel. */
export const removeScript = `
redis.call("ZREM", KEYS[1], ARGV[1])
redis.call("HDEL", KEYS[2], ARGV[1])
if redis.call("ZCARD", KEYS[1]) == 0 then redis.call("ZREM", KEYS[3], ARGV[2]) end
redis.call("PUBLISH", ARGV[3], "-" .. ARGV[1])
return 1`;

/** Gives ids and texts in turn of all entries that are alive, and forgets the others. KEYS: leases, values. */
export const listScript = `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", now)) do
  redis.call("ZREM", KEYS[1], id)
  redis.call("HDEL", KEYS[2], id)
end
return redis.call("HGETALL", KEYS[2])`;

/** Names of the services with entries that are alive. KEYS: services. */
export const servicesScript = `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
return redis.call("ZRANGE", KEYS[1], 0, -1)`;
