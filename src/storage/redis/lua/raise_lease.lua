-- A sign of life from a call's worker.
-- KEYS  1 record   2 queue   3 orphans   4 offers   5 leases   6 heirs   7 slots
-- ARGV  1 call  2 epoch  3 TTL (ms)
-- Result  {'ok', counter} | {'fenced', epoch} | {'over'} | {'unknown'}
-- Nobody but a call's owner raises its lease. Where the record knows nothing of that, a failover lost the write that gave the call away.
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase')
local epoch, phase = record[1], record[2]
if not epoch then
  return { 'unknown' }
end
if tonumber(ARGV[2]) < tonumber(epoch) then
  return { 'fenced', epoch }
end
if phase == 'ended' then
  return { 'over' }
end
if tonumber(ARGV[2]) > tonumber(epoch) then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[2])
  redis.call('HDEL', KEYS[1], 'claimant', 'heir', 'heir_claimant')
  redis.call('ZREM', KEYS[6], ARGV[1])
end
if phase == 'waiting' or phase == 'orphaned' then
  redis.call('HSET', KEYS[1], 'phase', phase == 'waiting' and 'claimed' or 'active')
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('HDEL', KEYS[4], ARGV[1])
end
local raised, counter = string.match(redis.call('HGET', KEYS[5], ARGV[1]) or '', '^(%d+) (%d+)$')
if raised ~= ARGV[2] then
  counter = 0
end
counter = string.format('%d', tonumber(counter) + 1)
redis.call('HSET', KEYS[5], ARGV[1], ARGV[2] .. ' ' .. counter)
redis.call('PEXPIRE', KEYS[5], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'ok', counter }
