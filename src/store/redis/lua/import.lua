-- Takes sessions of another store into a shard, as they are. KEYS: records; ARGV: prefix,
-- channel, ttl of ended ones, and for each record: id, about, digest, record, active, due,
-- expires, ttl, when it ended ('' for an open one), why, by whom.
-- Returns for each of them 'kept', 'known' or 'ended'.
local P, channel, ttl_ended = ARGV[1], ARGV[2], tonumber(ARGV[3])
local reply = {}
for i, key in ipairs(KEYS) do
  local at = 11 * i - 8
  local id, about, active, ended = ARGV[at + 1], ARGV[at + 2], ARGV[at + 5], ARGV[at + 9]
  local user, ttl = string.sub(about, 1, 16), tonumber(ARGV[at + 8])
  local known, last, over, i_known = unpack(redis.call('HMGET', key, 'm', 'a', 'e', 'i'))
  reply[i] = 'known'
  if not known and ended == '' and redis.call('EXISTS', P .. 'z:' .. id) == 1 then
    -- It has ended here, and was forgotten soon: it is not opened again.
  elseif not known then
    reply[i] = 'kept'
    redis.call('HSET', key, 'm', about, 'd', ARGV[at + 3], 'r', ARGV[at + 4], 'a', active, 'b', ARGV[at + 7], 'i', number(P, 0))
    if ended == '' then
      redis.call('PEXPIRE', key, ttl)
      enlist(P, 'o', id, about, ttl)
      redis.call('ZADD', P .. 'uo:' .. user, 0, id)
      keep(P .. 'uo:' .. user, ttl)
      redis.call('ZADD', P .. 'due', ARGV[at + 6], id .. about)
      keep(P .. 'due', ttl)
    else
      redis.call('HSET', key, 'e', ended, 'w', ARGV[at + 10], 'y', ARGV[at + 11])
      redis.call('PEXPIRE', key, ttl_ended)
      enlist(P, 'e', id, about, ttl_ended)
      redis.call('ZADD', P .. 'ue:' .. user, 0, id)
      keep(P .. 'ue:' .. user, ttl_ended)
      redis.call('ZADD', P .. 'gone', ended, id .. about)
      keep(P .. 'gone', ttl_ended)
    end
  elseif not over and not (pending(P) and epoch_of(P, about, i_known)) then
    if tonumber(active) > tonumber(last) then
      redis.call('HSET', key, 'a', active)
      redis.call('ZADD', P .. 'due', 'XX', ARGV[at + 6], id .. about)
    end
    if ended ~= '' then
      reply[i] = 'ended'
      finish(P, channel, id, ended, ARGV[at + 10], ARGV[at + 11], ttl_ended)
    end
  end
end
return reply
