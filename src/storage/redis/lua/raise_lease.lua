-- A sign of life from a call's worker.
-- KEYS  1 record   2 leases   3 heirs
-- ARGV  1 call  2 epoch  3 TTL (ms)
-- Result  {'ok', counter} | {'fenced', epoch} | {'over'} | {'unknown'}
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase')
if not record[1] then
  return { 'unknown' }
end
if tonumber(ARGV[2]) < tonumber(record[1]) then
  return { 'fenced', record[1] }
end
if record[2] == 'ended' then
  return { 'over' }
end
-- A failover lost the write that gave the call to this worker: nobody but its owner raises a lease.
if tonumber(ARGV[2]) > tonumber(record[1]) then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[2])
  redis.call('HDEL', KEYS[1], 'claimant', 'heir', 'heir_claimant')
  redis.call('ZREM', KEYS[3], ARGV[1])
end
local lease = redis.call('HGET', KEYS[2], ARGV[1]) or ''
local epoch, counter = string.match(lease, '^(%d+) (%d+)$')
if epoch ~= ARGV[2] then
  counter = 0
end
counter = string.format('%d', tonumber(counter) + 1)
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. counter)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'ok', counter }
