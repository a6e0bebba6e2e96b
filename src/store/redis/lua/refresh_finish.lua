#!lua flags=allow-oom
-- Finishes an attempt to renew what is kept with a session. KEYS: the session's record, what
-- is kept; ARGV: the attempt, 'kept' or 'failed', what is to be kept.
-- Returns 'kept' and the version; 'late' when a later attempt has begun; or 'ended'.
if not is_open(KEYS[1]) then
  redis.call('DEL', KEYS[2])
  return {'ended'}
end
local version, attempt, by = unpack(redis.call('HMGET', KEYS[2], 'v', 'n', 'b'))
version = tonumber(version or 0)
if attempt ~= ARGV[1] then
  return {'late'}
end
if ARGV[2] == 'failed' then
  redis.call('HSET', KEYS[2], 'f', attempt)
elseif by ~= attempt then
  version = version + 1
  redis.call('HSET', KEYS[2], 'v', version, 'o', ARGV[3], 'b', attempt)
end
redis.call('HDEL', KEYS[2], 'u')
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return {'kept', version}
