-- KEYS: records of one shard. Returns how each stands: 0 not there, 1 open, 2 ended.
local reply = {}
for i, key in ipairs(KEYS) do
  local about, ended = unpack(redis.call('HMGET', key, 'm', 'e'))
  reply[i] = (ended and 2) or (about and 1) or 0
end
return reply
