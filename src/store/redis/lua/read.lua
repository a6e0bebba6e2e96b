#!lua flags=allow-oom
-- What a shard's stream says from an entry on, that one included. KEYS: the stream, the
-- number of its last entry, the node's mark; ARGV: the entry, how many at most, '' or 'last'
-- for the last only.
-- Returns the number of the last entry there ever was, entries, and the mark.
-- It writes nothing, and does not say so: where nothing can be written (a replica, a master
-- without enough of them), Redis refuses it, for what stands there may be old.
local entries
if ARGV[3] == 'last' then
  entries = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
else
  entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
end
return {tonumber(redis.call('GET', KEYS[2]) or 0), entries, tonumber(redis.call('GET', KEYS[3]) or 0)}
