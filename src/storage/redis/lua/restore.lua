-- Writes a live call's record back after Redis lost it; a record that exists is left alone.
-- KEYS  1 record   2 slots   3 leases   4 unwritten
-- ARGV  1 call  2 slot expiry (ms)  3 TTL (ms)  4 epoch  5 admitted (ms)  6... field, value, ...
-- Result  1 if written, 0 if there was one
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1])
redis.call('PEXPIRE', KEYS[4], ARGV[3])
if redis.call('HGET', KEYS[1], 'phase') ~= 'ended' then
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[4] .. ' 0')
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
end
return 1
