#!lua flags=allow-oom
-- Locks a user or lifts the lock. KEYS[1] the lock; ARGV: prefix, channel, user, lock ('' to
-- lift it), until ('' for ever), ttl.
local P, user = ARGV[1], ARGV[3]
if ARGV[4] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', P .. 'locks', user)
  tell(P, ARGV[2], 'U' .. user)
else
  redis.call('HSET', KEYS[1], 'l', ARGV[4], 'u', ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  redis.call('ZADD', P .. 'locks', ARGV[5] == '' and '+inf' or ARGV[5], user)
  keep(P .. 'locks', tonumber(ARGV[6]))
  tell(P, ARGV[2], 'L' .. user .. ARGV[4])
end
return 0
