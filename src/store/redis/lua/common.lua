-- What several scripts have in common. P is the prefix of a shard's keys, so that every key
-- below is in the shard's hash slot. Times are milliseconds of the server's clock.

-- Lets a key live for at least ttl from now on: an hour more, so that this is written once an
-- hour.
local function keep(key, ttl)
  if redis.call('PTTL', key) < ttl then
    redis.call('PEXPIRE', key, ttl + 3600000)
  end
end

-- The bucket of an id: 2^20 ms, about 17 minutes, of the start time in it (UUID version 7).
local function bucket(id)
  local a, b, c, d = string.byte(id, 1, 4)
  return string.format('%07x', math.floor(((a * 256 + b) * 256 + c) * 16 + d / 16))
end

-- Adds a session to a list, or takes it out: 'o' of open ones, 'e' of ended ones.
local function enlist(P, list, id, about, ttl)
  local b = bucket(id)
  redis.call('ZADD', P .. list .. ':' .. b, 0, id .. about)
  redis.call('ZADD', P .. list, 0, b)
  redis.call('HINCRBY', P .. 'n', list .. string.sub(about, 17), 1)
  redis.call('HINCRBY', P .. 'n', list, 1)
  keep(P .. list .. ':' .. b, ttl)
  keep(P .. list, ttl)
  keep(P .. 'n', ttl)
end

local function delist(P, list, id, about)
  local b = bucket(id)
  if redis.call('ZREM', P .. list .. ':' .. b, id .. about) == 1 then
    for _, field in ipairs({list, list .. string.sub(about, 17)}) do
      if redis.call('HINCRBY', P .. 'n', field, -1) <= 0 then
        redis.call('HDEL', P .. 'n', field)
      end
    end
  end
  if redis.call('EXISTS', P .. list .. ':' .. b) == 0 then
    redis.call('ZREM', P .. list, b)
  end
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

-- Ends an open session. ttl: how long its record is kept from now on.
local function finish(P, channel, id, at, reason, by, ttl)
  local key = P .. 's:' .. id
  local about, digest = unpack(redis.call('HMGET', key, 'm', 'd'))
  local user = string.sub(about, 1, 16)
  redis.call('HSET', key, 'e', at, 'w', reason, 'y', by)
  redis.call('PEXPIRE', key, ttl)
  redis.call('DEL', P .. 'r:' .. id)
  delist(P, 'o', id, about)
  enlist(P, 'e', id, about, ttl)
  redis.call('ZREM', P .. 'uo:' .. user, id)
  redis.call('ZADD', P .. 'ue:' .. user, 0, id)
  keep(P .. 'ue:' .. user, ttl)
  redis.call('ZREM', P .. 'due', id .. about)
  redis.call('ZADD', P .. 'gone', at, id .. about)
  keep(P .. 'gone', ttl)
  tell(P, channel, 'E' .. id .. digest .. at .. ' ' .. reason .. ' ' .. by)
end

-- Why a session is due whose time is up: its record says when it expires at the latest.
local function due_reason(P, id, now)
  local last = redis.call('HGET', P .. 's:' .. id, 'b')
  if last and tonumber(last) <= now then
    return 'expired'
  end
  return 'idle'
end
