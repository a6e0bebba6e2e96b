#!lua flags=allow-oom
-- Locks a user or lifts the lock. KEYS[1] the lock; ARGV: prefix, channel, now, user, lock
-- ('' to lift it), until ('' for ever), ttl (0 for none), node, number ('' for the next).
-- Returns the number and the node's mark.
local P, user, i = ARGV[1], ARGV[4], ARGV[9]
for _, old in ipairs(redis.call('ZRANGE', P .. 'locks', '-inf', ARGV[3], 'BYSCORE', 'LIMIT', 0, 16)) do
  redis.call('ZREM', P .. 'locks', old)
end
if i == '' then
  i = number(P, tonumber(ARGV[3]))
else
  raise(P, i)
  local known = redis.call('HGET', KEYS[1], 'i')
  if known and tonumber(known) >= tonumber(i) then
    return {i, mark(P, ARGV[8])}
  end
end
if ARGV[5] == '' then
  -- What is left says that it was lifted, should somebody say an earlier lock again.
  redis.call('HSET', KEYS[1], 'l', '', 'u', '0', 'i', i)
  redis.call('PEXPIRE', KEYS[1], 600000)
  redis.call('ZREM', P .. 'locks', user)
  tell(P, ARGV[2], 'U' .. user)
else
  local ttl = (ARGV[7] == '0') and LONGEST or tonumber(ARGV[7])
  redis.call('HSET', KEYS[1], 'l', ARGV[5], 'u', ARGV[6], 'i', i)
  redis.call('PEXPIRE', KEYS[1], ttl)
  redis.call('ZADD', P .. 'locks', ARGV[6] == '' and '+inf' or ARGV[6], user)
  keep(P .. 'locks', ttl)
  tell(P, ARGV[2], 'L' .. user .. ARGV[5])
end
return {i, mark(P, ARGV[8])}
