-- Ends a call that nobody has claimed; a claim that came first wins.
-- KEYS  1 record   2 queue   3 slots
-- ARGV  1 call  2 next step (JSON)
-- Result  1 if the call is given up now, 0 if it is claimed, over or unknown
if redis.call('HGET', KEYS[1], 'phase') ~= 'waiting' then
  return 0
end
redis.call('HSET', KEYS[1], 'phase', 'ended', 'next', ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
