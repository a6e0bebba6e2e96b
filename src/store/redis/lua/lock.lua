#!lua flags=allow-oom
-- Locks a user or lifts the lock. KEYS[1] the lock; ARGV: prefix, channel, now, user, lock
-- ('' to lift it), until ('' for ever), ttl (0 for none).
local P, user = ARGV[1], ARGV[4]
for _, old in ipairs(redis.call('ZRANGE', P .. 'locks', '-inf', ARGV[3], 'BYSCORE', 'LIMIT', 0, 16)) do
  redis.call('ZREM', P .. 'locks', old)
end
if ARGV[5] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', P .. 'locks', user)
  tell(P, ARGV[2], 'U' .. user)
else
  redis.call('HSET', KEYS[1], 'l', ARGV[5], 'u', ARGV[6])
  if ARGV[7] == '0' then
    redis.call('PERSIST', KEYS[1])
  else
    redis.call('PEXPIRE', KEYS[1], ARGV[7])
  end
  redis.call('ZADD', P .. 'locks', ARGV[6] == '' and '+inf' or ARGV[6], user)
  tell(P, ARGV[2], 'L' .. user .. ARGV[5])
end
return 0
