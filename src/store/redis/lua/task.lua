#!lua flags=allow-oom
-- Keeps how a background task is. KEYS[1] the last id that was given; ARGV: prefix, now, id
-- ('' for a new one), space, record, until when it is to be believed ('' for ever), how long
-- it is kept from then on, how many of a space are.
-- Returns the id. Ids do not start again where the last one was lost: they are no smaller than
-- the time.
local P, id, ttl = ARGV[1], ARGV[3], tonumber(ARGV[7])
if id == '' then
  local last = tonumber(redis.call('GET', KEYS[1]) or 0)
  id = string.format('%.0f', math.max(last + 1, tonumber(ARGV[2])))
  redis.call('SET', KEYS[1], id, 'PX', 30 * ttl)
end
local key, all = P .. id, P .. 'of:' .. ARGV[4]
redis.call('HSET', key, 'r', ARGV[5], 'u', ARGV[6])
redis.call('PEXPIRE', key, ttl)
redis.call('ZADD', all, id, id)
redis.call('PEXPIRE', all, ttl)
redis.call('SADD', P .. 'spaces', ARGV[4])
redis.call('PEXPIRE', P .. 'spaces', ttl)
local excess = redis.call('ZCARD', all) - tonumber(ARGV[8])
if excess > 0 then
  for _, old in ipairs(redis.call('ZRANGE', all, 0, excess - 1)) do
    redis.call('DEL', P .. old)
  end
  redis.call('ZREMRANGEBYRANK', all, 0, excess - 1)
end
return tonumber(id)
