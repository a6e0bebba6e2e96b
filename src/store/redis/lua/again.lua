#!lua flags=allow-oom
-- Says again that a session was opened, or ended, in case that was lost. KEYS[1] the record;
-- ARGV: prefix, channel, now, id, about, digest, record, active, due, expires, ttl, ttl of
-- ended ones, number, and at, reason, by of its end ('' for none).
-- Returns whether anything was lost.
local P, id, about, ended_ttl = ARGV[1], ARGV[4], ARGV[5], tonumber(ARGV[12])
local known, ended = unpack(redis.call('HMGET', KEYS[1], 'm', 'e'))
if ended or redis.call('EXISTS', P .. 'z:' .. id) == 1 then
  return 0
end
local is_end = ARGV[14] ~= ''
if known then
  if is_end then
    finish(P, ARGV[2], id, ARGV[14], ARGV[15], ARGV[16], ended_ttl)
  end
  return is_end and 1 or 0
end
if not is_end and tonumber(ARGV[10]) <= tonumber(ARGV[3]) then
  return 0
end
raise(P, ARGV[13])
begin(P, KEYS[1], id, about, ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11]), ARGV[13])
local epoch = epoch_of(P, about, ARGV[13])
if is_end then
  finish(P, ARGV[2], id, ARGV[14], ARGV[15], ARGV[16], ended_ttl, true)
elseif epoch then
  finish(P, ARGV[2], id, epoch.at, epoch.reason, epoch.by, ended_ttl, true)
end
return 1
