#!lua flags=allow-oom
-- Ends open sessions of a user, the oldest first. KEYS[1] the user's open sessions; ARGV:
-- prefix, channel, at, reason, by, ttl of ended ones, how many at most.
-- Returns how many were looked at, and the records of those that ended, each after its id.
local P, reply = ARGV[1], {}
local ids = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[7]) - 1)
for _, id in ipairs(ids) do
  if redis.call('EXISTS', P .. 's:' .. id) == 1 then
    finish(P, ARGV[2], id, ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]))
    reply[#reply + 1] = {id, redis.call('HMGET', P .. 's:' .. id, 'r', 'a', 'e', 'w', 'y')}
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return {#ids, reply}
