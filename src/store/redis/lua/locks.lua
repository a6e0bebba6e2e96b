-- A piece of the locked users, by until when. KEYS[1] the locked users; ARGV: prefix, now, the
-- last user of the piece before and until when ('' for the first piece), how many at most.
-- Returns the last user looked at and until when, '' at the end, and locks.
local P, from, most = ARGV[1], nil, tonumber(ARGV[5])
if ARGV[3] == '' then
  from = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[2])
else
  local score = redis.call('ZSCORE', KEYS[1], ARGV[3])
  if score and tonumber(score) == tonumber(ARGV[4]) then
    from = redis.call('ZRANK', KEYS[1], ARGV[3]) + 1
  else
    -- It is not where it was: once more all with its time, so that none is missed.
    from = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[4])
  end
end
local users = redis.call('ZRANGE', KEYS[1], from, from + most - 1, 'WITHSCORES')
local locks = {}
for i = 1, #users, 2 do
  locks[#locks + 1] = redis.call('HGET', P .. 'l:' .. users[i], 'l') or nil
end
if #users < 2 * most then
  return {'', '', locks}
end
return {users[#users - 1], users[#users], locks}
