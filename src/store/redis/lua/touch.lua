#!lua flags=allow-oom
-- KEYS: records; ARGV: prefix, and for each record its id, active, due. The latest stands.
local P = ARGV[1]
local waits = pending(P)
for i, key in ipairs(KEYS) do
  local id, active, due = ARGV[3 * i - 1], ARGV[3 * i], ARGV[3 * i + 1]
  local about, known, ended, number = unpack(redis.call('HMGET', key, 'm', 'a', 'e', 'i'))
  ended = ended or (about and waits and epoch_of(P, about, number))
  if about and not ended and tonumber(active) > tonumber(known) then
    redis.call('HSET', key, 'a', active)
    redis.call('ZADD', P .. 'due', 'XX', due, id .. about)
  end
end
return 0
