#!lua flags=allow-oom
-- Ends open sessions of a user, the oldest first. KEYS[1] the user's open sessions; ARGV:
-- prefix, channel, at, reason, by, ttl of ended ones, how many at most, node, the id of one
-- that goes on ('' for none).
-- Returns whether there are more, the node's mark, and the records of those that ended, each
-- after its id.
local P, most, ended, more = ARGV[1], tonumber(ARGV[7]), {}, 0
local waits = pending(P)
-- While ended ones are among them, all are looked at; else those that end, and the one that
-- goes on, and whether there is another.
local ids = redis.call('ZRANGE', KEYS[1], 0, waits and -1 or most + 1)
for _, id in ipairs(ids) do
  local about, i = unpack(redis.call('HMGET', P .. 's:' .. id, 'm', 'i'))
  if not about then
    redis.call('ZREM', KEYS[1], id)
  elseif id == ARGV[9] or (waits and epoch_of(P, about, i)) then
    -- It goes on, or it has ended.
  elseif #ended == most then
    more = 1
    break
  else
    finish(P, ARGV[2], id, ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]))
    ended[#ended + 1] = {id, stored(P, P .. 's:' .. id)}
  end
end
if not waits and #ids == most + 2 then
  more = 1
end
return {more, mark(P, ARGV[8]), ended}
