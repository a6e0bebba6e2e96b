#!lua flags=allow-oom
-- Ends all sessions of a scope that the shard has opened so far. KEYS[1] the epochs of the
-- scope; ARGV: prefix, channel, now, node, scope ('a' for all, 's' and a space, 'u' and a
-- user), what the change begins with, number ('' for the next), at, reason, by.
-- Returns the epoch's number and the node's mark.
local P, now, scope, i = ARGV[1], tonumber(ARGV[3]), ARGV[5], ARGV[7]
local waiting = redis.call('HGET', P .. 'xp', scope)
-- Counts are moved at once, if all that is open is what ends: not when it is said again later,
-- nor while something is pending that was.
local how = 'm'
if i == '' then
  i = number(P, now)
  for _, one in ipairs(redis.call('HVALS', P .. 'xp')) do
    if string.sub(one, 1, 1) == 'l' then
      how = 'l'
    end
  end
else
  raise(P, i)
  if redis.call('ZCOUNT', KEYS[1], i, i) > 0 then
    return {i, mark(P, ARGV[4])}
  end
  how = 'l'
end
if how == 'm' then
  local move = {}
  if scope == 'a' then
    local all = redis.call('HGETALL', P .. 'n')
    for k = 1, #all, 2 do
      if string.sub(all[k], 1, 1) == 'o' then
        move[string.sub(all[k], 2)] = tonumber(all[k + 1])
      end
    end
  elseif string.sub(scope, 1, 1) == 's' then
    local space = string.sub(scope, 2)
    move[space] = tonumber(redis.call('HGET', P .. 'n', 'o' .. space) or 0)
  else
    -- They are all of one space, so it is enough to see some; but while ended ones are among
    -- them, all are looked at.
    local waits, uo = pending(P), P .. 'uo:' .. string.sub(scope, 2)
    for _, id in ipairs(redis.call('ZRANGE', uo, 0, waits and -1 or 15)) do
      local about, n = unpack(redis.call('HMGET', P .. 's:' .. id, 'm', 'i'))
      if about and not (waits and epoch_of(P, about, n)) then
        local space = string.sub(about, 17)
        move[space] = (move[space] or 0) + 1
      end
    end
    if not waits then
      for space in pairs(move) do
        move[space] = redis.call('ZCARD', uo)
      end
    end
  end
  for space, by in pairs(move) do
    if by > 0 then
      count(P, 'o' .. space, -by)
      redis.call('HINCRBY', P .. 'n', 'e' .. space, by)
    end
  end
end
local upto = i
if waiting then
  local _, last = string.match(waiting, '^(%a) (%d+)')
  if tonumber(last) > tonumber(i) then
    upto = last
  end
else
  -- Those of an hour ago and more have no session left.
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', (now - 3600000) * 1024))
end
redis.call('ZADD', KEYS[1], i, i .. ' ' .. how .. ' ' .. ARGV[8] .. ' ' .. ARGV[9] .. ' ' .. ARGV[10])
redis.call('PEXPIRE', KEYS[1], LONGEST)
redis.call('HSET', P .. 'xp', scope, how .. ' ' .. upto .. ' ' .. ARGV[3] .. ' ')
redis.call('PEXPIRE', P .. 'xp', LONGEST)
tell(P, ARGV[2], ARGV[6] .. i .. ' ' .. ARGV[8] .. ' ' .. ARGV[9] .. ' ' .. ARGV[10])
return {i, mark(P, ARGV[4])}
