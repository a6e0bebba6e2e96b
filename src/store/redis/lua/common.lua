-- What several scripts have in common. P is the prefix of a shard's keys, so that every key
-- below is in the shard's hash slot. Times are milliseconds of the server's clock.

-- The longest that a key lives: 400 days.
local LONGEST = 34560000000

-- Lets a key live for at least ttl from now on: an hour more, where that is not too long, so
-- that this is written once an hour.
local function keep(key, ttl)
  if redis.call('PTTL', key) < ttl then
    redis.call('PEXPIRE', key, math.min(ttl + 3600000, LONGEST))
  end
end

-- The bucket of an id: 2^20 ms, about 17 minutes, of the start time in it (UUID version 7).
local function bucket(id)
  local a, b, c, d = string.byte(id, 1, 4)
  return string.format('%07x', math.floor(((a * 256 + b) * 256 + c) * 16 + d / 16))
end

local function count(P, field, by)
  if redis.call('HINCRBY', P .. 'n', field, by) <= 0 then
    redis.call('HDEL', P .. 'n', field)
  end
end

-- Adds a session to a list, or takes it out: 'o' of open ones, 'e' of ended ones. uncounted:
-- its count has been moved already.
local function enlist(P, list, id, about, ttl, uncounted)
  local b = bucket(id)
  redis.call('ZADD', P .. list .. ':' .. b, 0, id .. about)
  redis.call('ZADD', P .. list, 0, b)
  if not uncounted then
    redis.call('HINCRBY', P .. 'n', list .. string.sub(about, 17), 1)
  end
  keep(P .. list .. ':' .. b, ttl)
  keep(P .. list, ttl)
  keep(P .. 'n', ttl)
end

local function delist(P, list, id, about, uncounted)
  local b = bucket(id)
  if redis.call('ZREM', P .. list .. ':' .. b, id .. about) == 1 and not uncounted then
    count(P, list .. string.sub(about, 17), -1)
  end
  if redis.call('EXISTS', P .. list .. ':' .. b) == 0 then
    redis.call('ZREM', P .. list, b)
  end
end

-- Takes a session whose record has run out from where open ones are looked for.
local function forget_open(P, id, about)
  redis.call('ZREM', P .. 'due', id .. about)
  redis.call('ZREM', P .. 'uo:' .. string.sub(about, 1, 16), id)
  delist(P, 'o', id, about)
end

-- Tells all nodes: numbered without holes in the stream, and at once to who listens.
local function tell(P, channel, change)
  local n = redis.call('INCR', P .. 'q')
  if n == 1 then
    redis.call('DEL', P .. 'c')
  end
  redis.call('XADD', P .. 'c', 'MAXLEN', '~', 20000, n .. '-0', 'c', change)
  keep(P .. 'q', 2592000000)
  keep(P .. 'c', 2592000000)
  redis.call('PUBLISH', channel, change)
end

-- How many acknowledged writes of a node the shard has: less than the node knows of, and
-- writes were lost.
local function mark(P, node)
  local key = P .. 'k:' .. node
  local marks = redis.call('INCR', key)
  if marks % 16 == 1 then
    redis.call('PEXPIRE', key, 2592000000)
  end
  return marks
end

-- The next number in the order of what happens in the shard, as text: above every earlier one,
-- and, for a shard that has lost some, above what the time says.
local function number(P, now)
  local n, last = now * 1024, redis.call('GET', P .. 'i')
  if last and tonumber(last) >= n then
    n = tonumber(last) + 1
  end
  local text = string.format('%.0f', n)
  redis.call('SET', P .. 'i', text, 'PX', LONGEST)
  return text
end

-- That a number has been given in a history that the shard has lost.
local function raise(P, text)
  local last = redis.call('GET', P .. 'i')
  if not last or tonumber(last) < tonumber(text) then
    redis.call('SET', P .. 'i', text, 'PX', LONGEST)
  end
end

-- Whether some sessions that an epoch ended are not marked yet.
local function pending(P)
  return redis.call('EXISTS', P .. 'xp') == 1
end

-- The first epoch that ended the session with number i, if one did.
local function epoch_of(P, about, i)
  local first
  for _, scope in ipairs({'a', 's' .. string.sub(about, 17), 'u' .. string.sub(about, 1, 16)}) do
    local found = redis.call('ZRANGE', P .. 'x:' .. scope, i or '0', '+inf', 'BYSCORE', 'LIMIT', 0, 1)[1]
    if found then
      local n, moved, at, reason, by = string.match(found, '^(%d+) (%a) (%-?%d+) (%S+) (.*)$')
      if not first or tonumber(n) < first.n then
        first = {n = tonumber(n), moved = (moved == 'm'), at = at, reason = reason, by = by}
      end
    end
  end
  return first
end

-- Whether the session with a record is open.
local function is_open(key)
  -- What the shard's keys begin with is before 's:' and the 16 bytes of the id.
  local P = string.sub(key, 1, -19)
  local about, ended, i = unpack(redis.call('HMGET', key, 'm', 'e', 'i'))
  return about and not ended and not (pending(P) and epoch_of(P, about, i))
end

-- A record as it counts: its parts, last active, end, why, by whom, number.
local function stored(P, key)
  local r, a, e, w, y, i, m = unpack(redis.call('HMGET', key, 'r', 'a', 'e', 'w', 'y', 'i', 'm'))
  if r and not e and pending(P) then
    local epoch = epoch_of(P, m, i)
    if epoch then
      e, w, y = epoch.at, epoch.reason, epoch.by
    end
  end
  return {r, a, e, w, y, i}
end

-- Ends an open session, as an epoch has if one has. ttl: how long its record is kept from now
-- on. alone: whatever epochs say.
local function finish(P, channel, id, at, reason, by, ttl, alone)
  local key = P .. 's:' .. id
  local about, digest, i = unpack(redis.call('HMGET', key, 'm', 'd', 'i'))
  local user = string.sub(about, 1, 16)
  local epoch = not alone and pending(P) and epoch_of(P, about, i)
  if epoch then
    at, reason, by = epoch.at, epoch.reason, epoch.by
  end
  local moved = epoch and epoch.moved
  redis.call('HSET', key, 'e', at, 'w', reason, 'y', by)
  redis.call('PEXPIRE', key, ttl)
  redis.call('DEL', P .. 'r:' .. id)
  delist(P, 'o', id, about, moved)
  enlist(P, 'e', id, about, ttl, moved)
  redis.call('ZREM', P .. 'uo:' .. user, id)
  redis.call('ZADD', P .. 'ue:' .. user, 0, id)
  keep(P .. 'ue:' .. user, ttl)
  redis.call('ZREM', P .. 'due', id .. about)
  redis.call('ZADD', P .. 'gone', at, id .. about)
  keep(P .. 'gone', ttl)
  if not epoch then
    tell(P, channel, 'E' .. id .. digest .. at .. ' ' .. reason .. ' ' .. by)
  end
end

-- Writes the record of an open session, and puts it where it is looked for.
local function begin(P, key, id, about, digest, record, active, due, expires, ttl, i)
  local user = string.sub(about, 1, 16)
  redis.call('HSET', key, 'm', about, 'd', digest, 'r', record, 'a', active, 'b', expires, 'i', i)
  redis.call('PEXPIRE', key, ttl)
  enlist(P, 'o', id, about, ttl)
  redis.call('ZADD', P .. 'uo:' .. user, 0, id)
  keep(P .. 'uo:' .. user, ttl)
  redis.call('ZADD', P .. 'due', due, id .. about)
  keep(P .. 'due', ttl)
end

-- Why a session is due whose time is up: its record says when it expires at the latest.
local function due_reason(P, id, now)
  local last = redis.call('HGET', P .. 's:' .. id, 'b')
  if last and tonumber(last) <= now then
    return 'expired'
  end
  return 'idle'
end
