-- A sign of life from a call's worker.
-- KEYS  1 record   2 lease
-- ARGV  1 epoch  2 TTL (ms)
-- Result  {'ok', counter} | {'fenced', epoch} | {'unknown'}
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  return { 'unknown' }
end
if tonumber(ARGV[1]) < tonumber(epoch) then
  return { 'fenced', epoch }
end
local counter = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return { 'ok', tostring(counter) }
