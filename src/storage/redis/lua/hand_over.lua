-- A worker asks for an heir: another pod that gets ready to go on with the call.
-- KEYS  1 record   2 heirs   3 offers
-- ARGV  1 call  2 epoch  3 now (ms)  4 TTL (ms)
-- Result  {'ok', heir's epoch} | {'fenced', epoch} | {'over'} | {'unknown'}
-- Asked again, it names a new heir: the earlier one, if there was any, can no longer inherit.
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase', 'heir')
if not record[1] then
  return { 'unknown' }
end
if tonumber(ARGV[2]) < tonumber(record[1]) then
  return { 'fenced', record[1] }
end
if record[2] ~= 'active' then
  return { 'over' }
end
local heir = string.format('%d', math.max(tonumber(record[1]), tonumber(record[3] or 0)) + 1)
redis.call('HDEL', KEYS[1], 'heir_claimant')
redis.call('HSET', KEYS[1], 'heir', heir)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return { 'ok', heir }
