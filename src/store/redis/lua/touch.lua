#!lua flags=allow-oom
-- KEYS: records; ARGV: prefix, and for each record its id, active, due. The latest stands.
for i, key in ipairs(KEYS) do
  local id, active, due = ARGV[3 * i - 1], ARGV[3 * i], ARGV[3 * i + 1]
  local about, known, ended = unpack(redis.call('HMGET', key, 'm', 'a', 'e'))
  if about and not ended and tonumber(active) > tonumber(known) then
    redis.call('HSET', key, 'a', active)
    redis.call('ZADD', ARGV[1] .. 'due', 'XX', due, id .. about)
  end
end
return 0
