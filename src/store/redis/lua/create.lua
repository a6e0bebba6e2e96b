-- KEYS[1] the record; ARGV: prefix, channel, now, id, about, digest, record, active, due,
-- expires, ttl, ttl of ended ones, limit (0: none), 'refuse' or 'end_oldest', node.
-- Returns 'kept', the session's number, the node's mark and the ids that left for it;
-- 'exists', 'full', or 'locked' and the lock.
local P, channel, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local id, about = ARGV[4], ARGV[5]
local ttl_ended, limit = tonumber(ARGV[12]), tonumber(ARGV[13])
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
  local live, waits = {}, pending(P)
  for _, one in ipairs(redis.call('ZRANGE', P .. 'uo:' .. user, 0, -1)) do
    local due = redis.call('ZSCORE', P .. 'due', one .. about)
    if waits and epoch_of(P, about, redis.call('HGET', P .. 's:' .. one, 'i')) then
      -- It has ended.
    elseif due and tonumber(due) <= now then
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
local i = number(P, now)
local reply = {'kept', i, mark(P, ARGV[15])}
for _, one in ipairs(left) do
  finish(P, channel, one[1], ARGV[3], one[2], '', ttl_ended)
  reply[#reply + 1] = one[1]
end
begin(P, KEYS[1], id, about, ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11]), i)
return reply
