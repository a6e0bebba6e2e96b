-- KEYS[1] the record, and KEYS[2], where one server has all slots, the way from its digest, to
-- be claimed here; ARGV: prefix, channel, now, id, about, digest, record, active, due, expires,
-- ttl, ttl of ended ones, limit (0: none), 'refuse' or 'end_oldest', its place, how many leave
-- at most.
-- Returns 'kept' or, when not all have left, 'again', and the ids that left for it; 'exists',
-- 'full', or 'locked' and the lock.
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
if KEYS[2] and not redis.call('SET', KEYS[2], ARGV[15], 'NX', 'PX', ttl) and redis.call('GET', KEYS[2]) ~= ARGV[15] then
  return {'exists'}
end
local function refused(reply)
  if KEYS[2] then
    redis.call('DEL', KEYS[2])
  end
  return reply
end
local left, most = {}, tonumber(ARGV[16])
if limit > 0 then
  local live, uo = {}, P .. 'uo:' .. user
  for _, one in ipairs(redis.call('ZRANGE', uo, 0, limit + most - 1)) do
    local due = redis.call('ZSCORE', P .. 'due', one .. about)
    if due and tonumber(due) <= now then
      left[#left + 1] = {one, due_reason(P, one, now)}
    else
      live[#live + 1] = one
    end
  end
  -- Those that were not looked at count as live.
  local excess = redis.call('ZCARD', uo) - #left + 1 - limit
  if excess > 0 and ARGV[14] == 'refuse' then
    return refused({'full'})
  end
  for i = 1, math.min(excess, #live) do
    left[#left + 1] = {live[i], 'displaced'}
  end
end
local reply = {#left > most and 'again' or 'kept'}
for i = 1, math.min(#left, most) do
  finish(P, channel, left[i][1], ARGV[3], left[i][2], '', ttl_ended)
  reply[i + 1] = left[i][1]
end
if #left > most then
  return refused(reply)
end
redis.call('HSET', KEYS[1], 'm', about, 'd', digest, 'r', ARGV[7], 'a', ARGV[8], 'b', ARGV[10])
redis.call('PEXPIRE', KEYS[1], ttl)
enlist(P, 'o', id, about, ttl)
redis.call('ZADD', P .. 'uo:' .. user, 0, id)
keep(P .. 'uo:' .. user, ttl)
redis.call('ZADD', P .. 'due', ARGV[9], id .. about)
keep(P .. 'due', ttl)
return reply
