-- Gives a waiting or orphaned call to one claimant of its current epoch, or names the heir of a call that is being handed over.
-- KEYS  1 record   2 queue   3 orphans   4 offers   5 leases   6 heirs
-- ARGV  1 call  2 epoch  3 claimant (pod and job)  4 TTL (ms)  5 now (ms)
-- Result  {'won', field, value, ...} | {'heir', field, value, ...} | {'lost'} | {'unknown'}
-- The winner may ask again (its first answer was lost on the way) and wins again: that raises its lease, since it counts its time from its last question.
-- An heir does not own the call yet: see yield.lua.
-- The first claim is the zero of the call's clock, by which every agent of the call counts, whatever was saved by then.
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase', 'claimant', 'heir', 'heir_claimant')
local epoch, phase, claimant, heir, heir_claimant = record[1], record[2], record[3], record[4], record[5]
if not epoch then
  return { 'unknown' }
end

local verdict
if phase == 'active' and heir == ARGV[2] then
  if heir_claimant and heir_claimant ~= ARGV[3] then
    return { 'lost' }
  end
  redis.call('HSET', KEYS[1], 'heir_claimant', ARGV[3])
  redis.call('ZREM', KEYS[6], ARGV[1])
  redis.call('HDEL', KEYS[4], ARGV[1])
  verdict = 'heir'
elseif epoch ~= ARGV[2] then
  return { 'lost' }
elseif phase == 'waiting' or phase == 'orphaned' then
  redis.call('HSET', KEYS[1], 'phase', phase == 'waiting' and 'claimed' or 'active', 'claimant', ARGV[3])
  if phase == 'waiting' then
    redis.call('HSETNX', KEYS[1], 'clock_ms', ARGV[5])
  end
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('HDEL', KEYS[4], ARGV[1])
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[2] .. ' 0')
  redis.call('PEXPIRE', KEYS[5], ARGV[4])
  verdict = 'won'
elseif phase == 'ended' or claimant ~= ARGV[3] then
  return { 'lost' }
else
  local raised, counter = string.match(redis.call('HGET', KEYS[5], ARGV[1]) or '', '^(%d+) (%d+)$')
  if raised ~= ARGV[2] then
    counter = 0
  end
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[2] .. ' ' .. string.format('%d', tonumber(counter) + 1))
  redis.call('PEXPIRE', KEYS[5], ARGV[4])
  verdict = 'won'
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local reply = redis.call('HGETALL', KEYS[1])
table.insert(reply, 1, verdict)
return reply
