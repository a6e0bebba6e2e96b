#!lua flags=allow-oom
-- What nodes say of themselves. KEYS[1] the nodes, by when they were last heard of; ARGV: prefix,
-- 'enter', 'beat', 'look' or 'leave', instance, name, record, public key ('' for none), and for
-- how long a name is held, a record and a public key are kept.
-- Returns 'alone' or, when another has the name, 'taken'; the time; records, each with when it
-- was heard of; and the public keys, the latest first. To 'enter' with a name that is taken, the
-- record of who has it.
local P, mode, id = ARGV[1], ARGV[2], ARGV[3]
local name, record, ttl = P .. 'n:' .. ARGV[4], P .. 'i:' .. id, tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder = redis.call('GET', name)
local taken = holder and holder ~= id and redis.call('EXISTS', P .. 'i:' .. holder) == 1
local function known(ids)
  local found = {}
  for _, one in ipairs(ids) do
    local text = redis.call('GET', P .. 'i:' .. one)
    if text then
      found[#found + 1] = {text, tonumber(redis.call('ZSCORE', KEYS[1], one) or 0)}
    end
  end
  return found
end
if mode == 'leave' then
  redis.call('DEL', record)
  redis.call('ZREM', KEYS[1], id)
  if holder == id then
    redis.call('DEL', name)
  end
  return {'alone', now, {}, {}}
end
if mode == 'enter' and taken then
  return {'taken', now, known({holder}), {}}
end
if mode ~= 'look' then
  redis.call('SET', record, ARGV[5], 'PX', ttl)
  redis.call('ZADD', KEYS[1], now, id)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ttl)
  redis.call('PEXPIRE', KEYS[1], ttl)
  if not taken then
    redis.call('SET', name, id, 'PX', ARGV[7])
  end
  if ARGV[6] ~= '' then
    redis.call('ZADD', P .. 'keys', now, ARGV[6])
  end
  redis.call('ZREMRANGEBYSCORE', P .. 'keys', '-inf', now - tonumber(ARGV[9]))
  redis.call('PEXPIRE', P .. 'keys', ARGV[9])
end
local nodes = known(redis.call('ZRANGE', KEYS[1], '+inf', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 256))
local keys = redis.call('ZRANGE', P .. 'keys', '+inf', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 64)
return {taken and 'taken' or 'alone', now, nodes, keys}
