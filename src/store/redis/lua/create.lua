-- KEYS[1] the record; ARGV: prefix, channel, now, id, about, digest, record, active, due,
-- expires, ttl, ttl of ended ones, limit (0: none), 'refuse' or 'end_oldest'.
-- Returns 'kept' and the ids that left for it, 'exists', 'full', or 'locked' and the lock.
local P, channel, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local id, about, digest = ARGV[4], ARGV[5], ARGV[6]
local ttl, ttl_ended, limit = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local user = string.sub(about, 1, 16)
if redis.call('EXISTS', KEYS[1]) == 1 then
  return {'exists'}
end
local lock = redis.call('HMGET', P .. 'l:' .. user, 'l', 'u')
if lock[1] and (lock[2] == '' or tonumber(lock[2]) > now) then
  return {'locked', lock[1]}
end
local left = {}
if limit > 0 then
  local live = {}
  for _, one in ipairs(redis.call('ZRANGE', P .. 'uo:' .. user, 0, -1)) do
    local due = redis.call('ZSCORE', P .. 'due', one .. about)
    if due and tonumber(due) <= now then
      left[#left + 1] = {one, due_reason(P, one, now)}
    else
      live[#live + 1] = one
    end
  end
  local excess = #live + 1 - limit
  if excess > 0 and ARGV[14] == 'refuse' then
    return {'full'}
  end
  for i = 1, math.min(excess, #live) do
    left[#left + 1] = {live[i], 'displaced'}
  end
end
local reply = {'kept'}
for _, one in ipairs(left) do
  finish(P, channel, one[1], ARGV[3], one[2], '', ttl_ended)
  reply[#reply + 1] = one[1]
end
redis.call('HSET', KEYS[1], 'm', about, 'd', digest, 'r', ARGV[7], 'a', ARGV[8], 'b', ARGV[10])
redis.call('PEXPIRE', KEYS[1], ttl)
enlist(P, 'o', id, about, ttl)
redis.call('ZADD', P .. 'uo:' .. user, 0, id)
keep(P .. 'uo:' .. user, ttl)
redis.call('ZADD', P .. 'due', ARGV[9], id .. about)
keep(P .. 'due', ttl)
return reply
