// All times are the server's own, so the clocks of the processes do not matter.

/**
 * Takes a lock for ARGV[2] milliseconds; gives its token, or nothing. A token is the time in microseconds, and greater than the
 * one before in any case: so tokens grow even when Redis has lost its data. KEYS: holder, last token; ARGV: owner, lease.
 */
export const takeScript = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return false end
local time = redis.call("TIME")
local token = math.max(time[1] * 1000000 + time[2], tonumber(redis.call("GET", KEYS[2]) or "0") + 1)
local text = string.format("%.0f", token)
redis.call("SET", KEYS[2], text)
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return text`;

/** KEYS: holder; ARGV: owner, lease. */
export const renewScript = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])`;

/** KEYS: holder; ARGV: owner. */
export const releaseScript = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])`;
