#!lua flags=allow-oom
-- Takes back a session that was refused although it may have been kept: nobody has its token.
-- KEYS[1] the record; ARGV: prefix, id.
local P, id = ARGV[1], ARGV[2]
local about, ended = unpack(redis.call('HMGET', KEYS[1], 'm', 'e'))
if about and not ended then
  redis.call('DEL', KEYS[1])
  delist(P, 'o', id, about)
  redis.call('ZREM', P .. 'uo:' .. string.sub(about, 1, 16), id)
  redis.call('ZREM', P .. 'due', id .. about)
end
return 0
