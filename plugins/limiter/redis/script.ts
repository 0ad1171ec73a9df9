import { createHash } from "node:crypto";

/**
 * Takes a token of the bucket KEYS[1] if there is one; gives 0, or after how many milliseconds there is one. The time is the
 * server's own, so the clocks of the processes do not matter. A bucket that is full again is forgotten, after twice the time
 * that takes. ARGV: tokens per second, tokens it holds, and the time in milliseconds where it is not the server's.
 */
export const takeScript = `
local rate, capacity, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call("TIME")
  now = time[1] * 1000 + time[2] / 1000
end
local kept = redis.call("HMGET", KEYS[1], "tokens", "at")
local tokens, at = tonumber(kept[1]) or capacity, tonumber(kept[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * rate / 1000)
local wait = 0
if tokens < 1 then wait = math.ceil((1 - tokens) * 1000 / rate) else tokens = tokens - 1 end
redis.call("HSET", KEYS[1], "tokens", string.format("%.17g", tokens), "at", string.format("%.17g", math.max(at, now)))
redis.call("PEXPIRE", KEYS[1], math.ceil(2000 * capacity / rate) + 1000)
return wait`;

export const takeSha = createHash("sha1").update(takeScript).digest("hex");
