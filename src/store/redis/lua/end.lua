#!lua flags=allow-oom
-- KEYS[1] the record; ARGV: prefix, channel, now, id, active, at, reason, by, ttl of ended
-- ones, idle timeout (0: end it however active it is).
-- Returns 'unknown', or 'now', 'before' or 'active' and the record.
local P, now, idle = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[10])
local about, active, ended = unpack(redis.call('HMGET', KEYS[1], 'm', 'a', 'e'))
if not about then
  return {'unknown'}
end
local what = 'before'
if not ended then
  if tonumber(ARGV[5]) > tonumber(active) then
    active = ARGV[5]
    redis.call('HSET', KEYS[1], 'a', active)
  end
  if idle > 0 and tonumber(active) + idle > now then
    what = 'active'
  else
    what = 'now'
    finish(P, ARGV[2], ARGV[4], ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9]))
  end
end
return {what, redis.call('HMGET', KEYS[1], 'r', 'a', 'e', 'w', 'y')}
