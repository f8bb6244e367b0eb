-- The call is over for the telephone network: ends the record and frees the slot.
-- KEYS  1 record   2 queue   3 slots
-- ARGV  1 call
-- Result  1 if this run freed the slot, 0 if it was free already
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'phase', 'ended')
end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[3], ARGV[1])
