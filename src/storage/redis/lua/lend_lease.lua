-- Gives a served call without a lease a fresh one.
-- KEYS  1 record   2 leases
-- ARGV  1 call  2 TTL (ms)
-- Result  1 if it had none, 0 if it has one or is not served
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase')
if record[2] ~= 'claimed' and record[2] ~= 'active' then
  return 0
end
local lent = redis.call('HSETNX', KEYS[2], ARGV[1], record[1] .. ' 0')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return lent
