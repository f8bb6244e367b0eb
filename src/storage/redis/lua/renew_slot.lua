-- Holds the slot of a call that goes on, and takes it again if it had expired: the call exists, whatever the limit says.
-- KEYS  1 record   2 slots
-- ARGV  1 call  2 slot expiry (ms)  3 TTL (ms)
-- Result  1 if held, 0 if the call is over or unknown
local phase = redis.call('HGET', KEYS[1], 'phase')
if not phase or phase == 'ended' then
  return 0
end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
