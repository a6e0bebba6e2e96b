#!lua flags=allow-oom
-- The time of all nodes: the server's, and what it is ahead or behind since somebody set its
-- clock. KEYS[1] that difference; ARGV: ttl, and to change it: what it was, what it is to be.
-- Returns seconds and microseconds of the server's clock, and the difference.
local ahead = redis.call('GETEX', KEYS[1], 'PX', ARGV[1]) or '0'
if ARGV[2] == ahead then
  ahead = ARGV[3]
  redis.call('SET', KEYS[1], ahead, 'PX', ARGV[1])
end
local time = redis.call('TIME')
return {tonumber(time[1]), tonumber(time[2]), tonumber(ahead)}
