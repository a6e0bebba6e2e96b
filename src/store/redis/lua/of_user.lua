-- A piece of the list of a user's sessions, newest first. KEYS[1] the list; ARGV: prefix, the
-- upper bound of ids as a lexicographic bound, how many at most.
-- Returns whether some sessions of the shard have ended without being in the right list, how
-- many sessions the list has, and ids.
local ids = {}
if ARGV[3] ~= '0' then
  ids = redis.call('ZRANGE', KEYS[1], ARGV[2], '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[3])
end
return {pending(ARGV[1]) and 1 or 0, redis.call('ZCARD', KEYS[1]), ids}
