-- Remembers where a browser was going. KEYS: the targets by time, the target; ARGV: now,
-- value, ttl, how many at most.
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[1], KEYS[2])
keep(KEYS[1], tonumber(ARGV[3]))
for _, old in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1] - ARGV[3], 'BYSCORE', 'LIMIT', 0, 16)) do
  redis.call('ZREM', KEYS[1], old)
end
if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[4]) then
  redis.call('DEL', redis.call('ZPOPMIN', KEYS[1])[1])
end
return 0
