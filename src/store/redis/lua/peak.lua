-- Keeps the larger peak. KEYS[1] the day; ARGV: field, peak, record, ttl.
local known = redis.call('HGET', KEYS[1], 'n' .. ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'n' .. ARGV[1], ARGV[2], 'r' .. ARGV[1], ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 0
