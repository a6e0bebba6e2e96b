#!lua flags=allow-oom
-- KEYS[1] the record; ARGV: prefix, channel, now, id, active, at, reason, by, ttl of ended
-- ones, idle timeout (0: end it however active it is), node.
-- Returns 'unknown' and the node's mark, or 'now', 'before' or 'active', the record, and for
-- 'now' the node's mark.
local P, now, idle = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[10])
local about, active, ended, i = unpack(redis.call('HMGET', KEYS[1], 'm', 'a', 'e', 'i'))
if not about then
  return {'unknown', tonumber(redis.call('GET', P .. 'k:' .. ARGV[11]) or 0)}
end
if ended or (pending(P) and epoch_of(P, about, i)) then
  return {'before', stored(P, KEYS[1])}
end
if tonumber(ARGV[5]) > tonumber(active) then
  active = ARGV[5]
  redis.call('HSET', KEYS[1], 'a', active)
end
if idle > 0 and tonumber(active) + idle > now then
  return {'active', stored(P, KEYS[1])}
end
finish(P, ARGV[2], ARGV[4], ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9]))
return {'now', stored(P, KEYS[1]), mark(P, ARGV[11])}
