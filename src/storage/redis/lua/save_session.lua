-- Saves a call's sealed conversation. Fenced by the record and, should Redis have lost that, by the last save.
-- KEYS  1 record   2 session
-- ARGV  1 epoch  2 sealed state  3 TTL (ms)
-- Result  {'ok'} | {'fenced', epoch}
local owner = tonumber(redis.call('HGET', KEYS[1], 'epoch') or 0)
local saved = tonumber(redis.call('HGET', KEYS[2], 'epoch') or 0)
local current = math.max(owner, saved)
if tonumber(ARGV[1]) < current then
  return { 'fenced', tostring(current) }
end
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'state', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return { 'ok' }
