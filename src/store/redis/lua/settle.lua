#!lua flags=allow-oom
-- Marks some of the sessions that an epoch has ended. KEYS[1] the epochs whose sessions are
-- not all marked; ARGV: prefix, channel, now, ttl of ended ones, scope ('' for any that nobody
-- went on with since:), since, how many to look at, how many to mark.
-- Returns whether there are more, and the records of those marked, each after its id.
local P, scope, looks, most = ARGV[1], ARGV[5], tonumber(ARGV[7]), tonumber(ARGV[8])
local how, upto, since, cursor
local function of(value)
  return string.match(value, '^(%a) (%d+) (%-?%d+) (.*)$')
end
if scope ~= '' then
  local value = redis.call('HGET', KEYS[1], scope)
  if value then
    how, upto, since, cursor = of(value)
  end
else
  local all = redis.call('HGETALL', KEYS[1])
  for k = 1, #all, 2 do
    how, upto, since, cursor = of(all[k + 1])
    if tonumber(since) <= tonumber(ARGV[6]) then
      scope = all[k]
      break
    end
    how = nil
  end
end
if not how then
  return {0, {}}
end
local ended, seen, full = {}, 0, false
local function visit(id)
  seen = seen + 1
  local about, i = unpack(redis.call('HMGET', P .. 's:' .. id, 'm', 'i'))
  if about and tonumber(i or 0) <= tonumber(upto) then
    finish(P, ARGV[2], id, ARGV[3], 'terminated', '', tonumber(ARGV[4]))
    ended[#ended + 1] = {id, stored(P, P .. 's:' .. id)}
  end
  full = seen >= looks or #ended >= most
end
local function from(text)
  return text == '' and '-' or '(' .. text
end
if string.sub(scope, 1, 1) == 'u' then
  local key = P .. 'uo:' .. string.sub(scope, 2)
  for _, id in ipairs(redis.call('ZRANGE', key, from(cursor), '+', 'BYLEX', 'LIMIT', 0, most)) do
    cursor = id
    visit(id)
  end
  full = seen == most
else
  local space = string.sub(scope, 2)
  local first = cursor == '' and '-' or '[' .. bucket(cursor)
  local buckets = redis.call('ZRANGE', P .. 'o', first, '+', 'BYLEX', 'LIMIT', 0, 64)
  for _, b in ipairs(buckets) do
    repeat
      local piece = redis.call('ZRANGE', P .. 'o:' .. b, from(cursor), '+', 'BYLEX', 'LIMIT', 0, 256)
      if redis.call('EXISTS', P .. 'o:' .. b) == 0 then
        redis.call('ZREM', P .. 'o', b)
      end
      for _, member in ipairs(piece) do
        cursor = member
        if scope == 'a' or string.sub(member, 33) == space then
          visit(string.sub(member, 1, 16))
        else
          seen = seen + 1
          full = seen >= looks
        end
        if full then
          break
        end
      end
    until full or #piece < 256
    if full then
      break
    end
  end
  full = full or #buckets == 64
end
if full then
  -- One that was left behind stays so: whoever sweeps goes on with it at once.
  if ARGV[5] ~= '' then
    since = ARGV[3]
  end
  redis.call('HSET', KEYS[1], scope, how .. ' ' .. upto .. ' ' .. since .. ' ' .. cursor)
  return {1, ended}
end
redis.call('HDEL', KEYS[1], scope)
-- For an hour, sessions may come back that a failover had lost.
redis.call('PEXPIRE', P .. 'x:' .. scope, 3600000)
return {0, ended}
