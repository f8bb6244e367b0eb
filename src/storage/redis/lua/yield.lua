-- The call passes from its worker to its heir, who has said that it is ready.
-- KEYS  1 record   2 leases   3 heirs
-- ARGV  1 call  2 epoch  3 heir's epoch  4 TTL (ms)
-- Result  {'ok'} | {'fenced', epoch} | {'over'} there is no such heir, or the call has ended | {'unknown'}
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase', 'heir', 'heir_claimant')
if not record[1] then
  return { 'unknown' }
end
if tonumber(ARGV[2]) < tonumber(record[1]) then
  return { 'fenced', record[1] }
end
if record[2] ~= 'active' or record[3] ~= ARGV[3] or not record[4] then
  return { 'over' }
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[3], 'claimant', record[4])
redis.call('HDEL', KEYS[1], 'heir', 'heir_claimant')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' 0')
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZREM', KEYS[3], ARGV[1])
return { 'ok' }
