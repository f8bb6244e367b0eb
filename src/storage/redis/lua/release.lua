-- The call is over for the telephone network: ends the record and frees the slot.
-- KEYS  1 record   2 queue   3 orphans   4 offers   5 leases   6 heirs   7 slots
-- ARGV  1 call  2 now (ms)  3 how often the call had come back when the leg began, or '' for whatever leg it has
-- Result  1 if this run freed the slot, 0 if it was free already or the call has a newer leg
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= tonumber(redis.call('HGET', KEYS[1], 'returns') or ARGV[3]) then
  return 0
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'phase', 'ended')
  redis.call('HSETNX', KEYS[1], 'ended_ms', ARGV[2])
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
redis.call('ZREM', KEYS[6], ARGV[1])
return redis.call('ZREM', KEYS[7], ARGV[1])
