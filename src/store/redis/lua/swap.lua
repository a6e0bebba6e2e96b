#!lua flags=allow-oom
-- Puts a value in the place of another one, if that is still there. KEYS[1] the key; ARGV: what
-- is there, what is to be there ('' for nothing), ttl.
-- Returns 1 when it was there.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
