-- KEYS: records of one shard; ARGV: prefix. Returns them.
local reply = {}
for i, key in ipairs(KEYS) do
  reply[i] = stored(ARGV[1], key)
end
return reply
