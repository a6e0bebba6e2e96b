-- A piece of a list, newest first. KEYS[1] the list's buckets; ARGV: prefix, list ('c': those
-- in the list of open ones that an epoch has ended), the upper bound of ids as a lexicographic
-- bound ('+' for none), the lower bound ('-' for none), space ('' for all), how many at most.
-- Returns the members found, the id to go on before: '' when there is nothing more, and
-- whether an epoch has ended sessions that are still in the list of open ones.
local P, list, space, limit = ARGV[1], ARGV[2], ARGV[5], tonumber(ARGV[6])
local waits = pending(P)
local more, most = waits and 1 or 0, waits and 256 or 1024
local covered = (list == 'c')
if covered then
  if not waits then
    return {{}, '', 0}
  end
  list = 'o'
end
local function fits(member)
  if space ~= '' and string.sub(member, 33) ~= space then
    return false
  end
  if list == 'e' or not waits then
    return true
  end
  local i = redis.call('HGET', P .. 's:' .. string.sub(member, 1, 16), 'i')
  return (epoch_of(P, string.sub(member, 17), i) ~= nil) == covered
end
local function of(bound, none)
  if bound == none then
    return bound
  end
  return '[' .. bucket(string.sub(bound, 2))
end
local found, seen, last = {}, 0, ''
local buckets = redis.call('ZRANGE', KEYS[1], of(ARGV[3], '+'), of(ARGV[4], '-'), 'BYLEX', 'REV', 'LIMIT', 0, 257)
for n, b in ipairs(buckets) do
  if n == 257 then
    -- A bound just above everything in the buckets that are left.
    local whole = tonumber(b, 16)
    local bytes = {}
    for i = 4, 1, -1 do
      local part = (i == 4) and ((whole % 16) * 16 + 15) or (math.floor(whole / 16 / 256 ^ (3 - i)) % 256)
      bytes[i] = string.char(part)
    end
    return {found, table.concat(bytes) .. string.rep('\255', 12), more}
  end
  local from = ARGV[3]
  while true do
    local piece = redis.call('ZRANGE', P .. list .. ':' .. b, from, ARGV[4], 'BYLEX', 'REV', 'LIMIT', 0, 256)
    for _, member in ipairs(piece) do
      seen, last = seen + 1, string.sub(member, 1, 16)
      if fits(member) then
        found[#found + 1] = member
        if #found == limit then
          return {found, last, more}
        end
      end
      if seen == most then
        return {found, last, more}
      end
    end
    if #piece < 256 then
      break
    end
    from = '(' .. piece[#piece]
  end
end
return {found, '', more}
