-- Writes a live call's record back after Redis lost it; a record that exists is left alone.
-- KEYS  1 record   2 slots
-- ARGV  1 call  2 slot expiry (ms)  3 TTL (ms)  4... field, value, ...
-- Result  1 if written, 0 if there was one
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if redis.call('HGET', KEYS[1], 'phase') ~= 'ended' then
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 1
