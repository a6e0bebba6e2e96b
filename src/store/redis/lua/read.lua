#!lua flags=allow-oom
-- What streams of shards say from an entry on, that one included. KEYS: of each shard the
-- stream, the number of its last entry, the node's mark; ARGV: how many at most, and for each
-- shard the entry, or '' for the last only.
-- Returns for each the number of the last entry there ever was, entries, and the mark.
-- It writes nothing, and does not say so: where nothing can be written (a replica, a master
-- without enough of them), Redis refuses it, for what stands there may be old.
local reply = {}
for i = 1, #KEYS / 3 do
  local stream, from, entries = KEYS[3 * i - 2], ARGV[1 + i]
  if from == '' then
    entries = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  else
    entries = redis.call('XRANGE', stream, from, '+', 'COUNT', ARGV[1])
  end
  local last, mark = redis.call('GET', KEYS[3 * i - 1]), redis.call('GET', KEYS[3 * i])
  reply[i] = {tonumber(last or 0), entries, tonumber(mark or 0)}
end
return reply
