-- KEYS[1] the record, and KEYS[2], where one server has all slots, the way from its digest, to
-- be claimed here; ARGV: prefix, channel, now, id, about, digest, record, active, due, expires,
-- ttl, ttl of ended ones, limit (0: none), 'refuse' or 'end_oldest', node, its place, how many
-- leave at most.
-- Returns 'kept', the session's number, the node's mark and the ids that left for it; 'again',
-- the same, when not all have left; 'exists', 'full', or 'locked' and the lock.
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
if KEYS[2] and not redis.call('SET', KEYS[2], ARGV[16], 'NX', 'PX', ARGV[11]) and redis.call('GET', KEYS[2]) ~= ARGV[16] then
  return {'exists'}
end
local function refused(reply)
  if KEYS[2] then
    redis.call('DEL', KEYS[2])
  end
  return reply
end
local left, most = {}, tonumber(ARGV[17])
if limit > 0 then
  local live, waits, uo = {}, pending(P), P .. 'uo:' .. user
  -- Those beyond count as live; while ended ones are among them, none is beyond.
  local looks = waits and -1 or limit + most - 1
  local seen = redis.call('ZRANGE', uo, 0, looks)
  local beyond = redis.call('ZCARD', uo) - #seen
  for _, one in ipairs(seen) do
    local due = redis.call('ZSCORE', P .. 'due', one .. about)
    if redis.call('EXISTS', P .. 's:' .. one) == 0 then
      -- Its record has run out, as when no node was there to end it in time.
      forget_open(P, one, about)
    elseif waits and epoch_of(P, about, redis.call('HGET', P .. 's:' .. one, 'i')) then
      -- It has ended.
    elseif due and tonumber(due) <= now then
      left[#left + 1] = {one, due_reason(P, one, now)}
    else
      live[#live + 1] = one
    end
  end
  local excess = #live + beyond + 1 - limit
  if excess > 0 and ARGV[14] == 'refuse' then
    return refused({'full'})
  end
  for i = 1, math.min(excess, #live) do
    left[#left + 1] = {live[i], 'displaced'}
  end
end
local i = number(P, now)
local reply = {#left > most and 'again' or 'kept', i, mark(P, ARGV[15])}
for n = 1, math.min(#left, most) do
  finish(P, channel, left[n][1], ARGV[3], left[n][2], '', ttl_ended)
  reply[#reply + 1] = left[n][1]
end
if #left > most then
  return refused(reply)
end
begin(P, KEYS[1], id, about, ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11]), i)
return reply
