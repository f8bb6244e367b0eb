-- What became of a call's transfer is known: its artifact need not be held any longer.
-- KEYS  1 record   2 held artifacts
-- ARGV  1 call  2 result
-- Result  1 if this run noted it, 0 if it was noted before, or the call is in no transfer
if redis.call('HGET', KEYS[1], 'transfer') ~= 'pending' then
  return 0
end
redis.call('HSET', KEYS[1], 'transfer', ARGV[2])
redis.call('HDEL', KEYS[1], 'briefing')
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
