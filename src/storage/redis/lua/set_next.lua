-- Records what follows the SIP leg, if the writer's epoch still owns the call.
-- KEYS  1 record
-- ARGV  1 epoch  2 next step (JSON)  3 TTL (ms)  4 sealed words for the person who is called next, if one is
-- Result  {'ok'} | {'fenced', epoch} | {'unknown'}
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  return { 'unknown' }
end
if tonumber(ARGV[1]) < tonumber(epoch) then
  return { 'fenced', epoch }
end
redis.call('HSET', KEYS[1], 'next', ARGV[2])
if ARGV[4] then
  redis.call('HSET', KEYS[1], 'briefing', ARGV[4], 'transfer', 'pending')
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'ok' }
