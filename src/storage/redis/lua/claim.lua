-- Gives a waiting call to one claimant of its current epoch.
-- KEYS  1 record   2 queue
-- ARGV  1 call  2 epoch  3 claimant (pod and job)  4 TTL (ms)
-- Result  {'won', field, value, ...} | {'lost'} | {'unknown'}
-- The winner may ask again (its first answer was lost on the way) and wins again.
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase', 'claimant')
local epoch, phase, claimant = record[1], record[2], record[3]
if not epoch then
  return { 'unknown' }
end
if epoch ~= ARGV[2] then
  return { 'lost' }
end
if phase == 'waiting' then
  redis.call('HSET', KEYS[1], 'phase', 'claimed', 'claimant', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('ZREM', KEYS[2], ARGV[1])
elseif phase ~= 'claimed' or claimant ~= ARGV[3] then
  return { 'lost' }
end
local reply = redis.call('HGETALL', KEYS[1])
table.insert(reply, 1, 'won')
return reply
