-- Puts a session on a seat. KEYS: who sits, whether those have been counted who were there
-- before; ARGV: the session, its start, how many seats there are, ttl, ttl of the second key.
-- Returns 'taken', 'first' when nobody has counted, or 'full'.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
    return 'full'
  end
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  keep(KEYS[1], tonumber(ARGV[4]))
end
local first = redis.call('SET', KEYS[2], 1, 'NX')
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return first and 'first' or 'taken'
