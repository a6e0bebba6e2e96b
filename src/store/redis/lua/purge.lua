#!lua flags=allow-oom
-- A step of forgetting. KEYS[1] the ended sessions by their end; ARGV: prefix, channel, forget
-- those that ended at or before, end those that were due at or before, ttl of ended ones,
-- steps, now.
-- Returns how many were forgotten, those included whose record had run out, and the records of those that ended, each after its id.
local P, steps, now = ARGV[1], tonumber(ARGV[6]), tonumber(ARGV[7])
local ended, lapsed = {}, 0
for _, member in ipairs(redis.call('ZRANGE', P .. 'due', '-inf', ARGV[4], 'BYSCORE', 'LIMIT', 0, steps)) do
  local id, about = string.sub(member, 1, 16), string.sub(member, 17)
  local key = P .. 's:' .. id
  if redis.call('EXISTS', key) == 1 then
    local due = redis.call('ZSCORE', P .. 'due', member)
    finish(P, ARGV[2], id, string.format('%.0f', due), due_reason(P, id, tonumber(due)), '', tonumber(ARGV[5]))
    ended[#ended + 1] = {id, stored(P, key)}
  else
    forget_open(P, id, about)
    lapsed = lapsed + 1
  end
end
local gone = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[3], 'BYSCORE', 'LIMIT', 0, steps)
for _, member in ipairs(gone) do
  local id, about = string.sub(member, 1, 16), string.sub(member, 17)
  -- A node that has not heard of its end may say again that it was opened.
  if now - tonumber(redis.call('ZSCORE', KEYS[1], member)) < 300000 then
    redis.call('SET', P .. 'z:' .. id, '', 'PX', 300000)
  end
  redis.call('DEL', P .. 's:' .. id)
  redis.call('ZREM', KEYS[1], member)
  redis.call('ZREM', P .. 'ue:' .. string.sub(about, 1, 16), id)
  delist(P, 'e', id, about)
end
-- Once a day, locks for ever are given their time again.
local left = redis.call('PTTL', P .. 'locks')
if left >= 0 and left < LONGEST - 86400000 then
  local locked = redis.call('ZRANGE', P .. 'locks', '+inf', '+inf', 'BYSCORE')
  for _, user in ipairs(locked) do
    redis.call('PEXPIRE', P .. 'l:' .. user, LONGEST)
  end
  if #locked > 0 then
    redis.call('PEXPIRE', P .. 'locks', LONGEST)
  end
end
return {#gone + lapsed, ended}
