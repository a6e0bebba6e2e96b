-- What streams of shards say from an entry on, that one included. KEYS: of each shard the
-- stream and the number of its last entry; ARGV: how many at most, and for each shard the entry,
-- or '' for the last only.
-- Returns for each shard the number of the last entry there ever was, and entries.
local reply = {}
for i = 1, #KEYS / 2 do
  local stream, from, entries = KEYS[2 * i - 1], ARGV[1 + i]
  if from == '' then
    entries = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  else
    entries = redis.call('XRANGE', stream, from, '+', 'COUNT', ARGV[1])
  end
  reply[i] = {tonumber(redis.call('GET', KEYS[2 * i]) or 0), entries}
end
return reply
