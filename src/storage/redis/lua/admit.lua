-- Admits a call once per leg that brings one, within the tenant's rate and its concurrent calls.
-- KEYS  1 leg   2 record   3 rate   4 slots   5 queue   6 unwritten   7 placement
-- ARGV  1 call  2 room  3 sealed caller or ''  4 dialled  5 epoch  6 now (ms)
--       7 calls per minute  8 concurrent calls  9 slot expiry (ms)  10 TTL of record and queue (ms)
--       11 route  12 placement  13 attestation of the caller's number  14 sealed forwarding number or ''
-- Result  {'admitted'} | {'repeated', '<call> <room>'} | {'rate'} | {'slots'}
-- A refusal changes nothing, so a repeated webhook is decided anew.
local known = redis.call('GET', KEYS[1])
if known then
  return { 'repeated', known }
end

local now, per_minute, ttl = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[10]

-- Virtual scheduling (GCRA) with a burst of one minute's calls; half an interval of slack absorbs rounding.
if per_minute < 1 then
  return { 'rate' }
end
local interval = 60000 / per_minute
local arrival = math.max(tonumber(redis.call('GET', KEYS[3]) or now), now) + interval
if arrival - now > 60000 + interval / 2 then
  return { 'rate' }
end

redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
if redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[8]) then
  return { 'slots' }
end

redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ttl)
redis.call('HSET', KEYS[2], 'room', ARGV[2], 'caller', ARGV[3], 'dialled', ARGV[4], 'admitted_ms', ARGV[6],
  'epoch', ARGV[5], 'phase', 'waiting', 'route', ARGV[11], 'placement', ARGV[12],
  'attestation', ARGV[13], 'forwarded', ARGV[14])
redis.call('SET', KEYS[7], ARGV[12], 'PX', ttl)
redis.call('PEXPIRE', KEYS[2], ttl)
redis.call('SET', KEYS[3], string.format('%.3f', arrival), 'PX', 120000)
redis.call('ZADD', KEYS[4], ARGV[9], ARGV[1])
redis.call('PEXPIRE', KEYS[4], ttl)
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - tonumber(ttl))
redis.call('ZADD', KEYS[5], ARGV[6], ARGV[1])
redis.call('PEXPIRE', KEYS[5], ttl)
redis.call('ZADD', KEYS[6], ARGV[6], ARGV[1])
redis.call('PEXPIRE', KEYS[6], ttl)
return { 'admitted' }
