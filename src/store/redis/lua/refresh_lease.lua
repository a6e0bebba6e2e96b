#!lua flags=allow-oom
-- Asks for the right to renew what is kept with a session. KEYS: the session's record, what is
-- kept; ARGV: the version seen, the attempt waited for (0: none), now, ms of the lease.
-- Returns 'held', the attempt, the version and what is kept; 'newer', the version and what is
-- kept; 'elsewhere' and the attempt; 'failed'; or 'ended'.
if not is_open(KEYS[1]) then
  return {'ended'}
end
local version, secret, attempt, till, failed = unpack(redis.call('HMGET', KEYS[2], 'v', 'o', 'n', 'u', 'f'))
version, attempt = tonumber(version or 0), tonumber(attempt or 0)
if version > tonumber(ARGV[1]) then
  return {'newer', version, secret}
end
if till and tonumber(till) > tonumber(ARGV[3]) then
  return {'elsewhere', attempt}
end
local waited = tonumber(ARGV[2])
if waited > 0 and tonumber(failed or 0) >= waited then
  return {'failed'}
end
attempt = attempt + 1
redis.call('HSET', KEYS[2], 'n', attempt, 'u', string.format('%.0f', ARGV[3] + ARGV[4]))
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return {'held', attempt, version, secret or ''}
