-- Moves a call on, if the writer's epoch still owns it. An ended call stays ended.
-- KEYS  1 record   2 queue   3 orphans   4 offers   5 leases   6 heirs   7 slots
-- ARGV  1 call  2 epoch  3 phase  4 slot expiry (ms)  5 TTL (ms)  6 now (ms)
-- Result  {'ok'} | {'fenced', epoch} | {'unknown'}
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase')
if not record[1] then
  return { 'unknown' }
end
if tonumber(ARGV[2]) < tonumber(record[1]) then
  return { 'fenced', record[1] }
end
if record[2] == 'ended' then
  return { 'ok' }
end
redis.call('HSET', KEYS[1], 'phase', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if ARGV[3] ~= 'waiting' then
  redis.call('ZREM', KEYS[2], ARGV[1])
end
if ARGV[3] ~= 'orphaned' then
  redis.call('ZREM', KEYS[3], ARGV[1])
end
if ARGV[3] == 'ended' then
  redis.call('HSETNX', KEYS[1], 'ended_ms', ARGV[6])
  redis.call('HDEL', KEYS[4], ARGV[1])
  redis.call('HDEL', KEYS[5], ARGV[1])
  redis.call('ZREM', KEYS[6], ARGV[1])
  redis.call('ZREM', KEYS[7], ARGV[1])
else
  redis.call('ZADD', KEYS[7], ARGV[4], ARGV[1])
  redis.call('PEXPIRE', KEYS[7], ARGV[5])
end
return { 'ok' }
