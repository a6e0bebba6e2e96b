#!lua flags=allow-oom
-- Takes back a session that was refused although it may have been kept: nobody has its token.
-- KEYS[1] the record; ARGV: prefix, id.
-- Returns 1 when it has ended, and stays.
local P, id = ARGV[1], ARGV[2]
local about, ended, i = unpack(redis.call('HMGET', KEYS[1], 'm', 'e', 'i'))
if about and not ended then
  local epoch = pending(P) and epoch_of(P, about, i)
  redis.call('DEL', KEYS[1])
  delist(P, 'o', id, about, epoch and epoch.moved)
  if epoch and epoch.moved then
    count(P, 'e' .. string.sub(about, 17), -1)
  end
  redis.call('ZREM', P .. 'uo:' .. string.sub(about, 1, 16), id)
  redis.call('ZREM', P .. 'due', id .. about)
end
return ended and 1 or 0
