-- Ends a call that nobody serves; a claim that came first wins.
-- KEYS  1 record   2 queue   3 orphans   4 offers   5 leases   6 heirs   7 slots
-- ARGV  1 call  2 next step (JSON)  3 now (ms)
-- Result  1 if the call is given up now, 0 if it is claimed, over or unknown
local phase = redis.call('HGET', KEYS[1], 'phase')
if phase ~= 'waiting' and phase ~= 'orphaned' then
  return 0
end
redis.call('HSET', KEYS[1], 'phase', 'ended', 'next', ARGV[2], 'ended_ms', ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('ZREM', KEYS[7], ARGV[1])
return 1
