-- The person did not take the call: it goes on in a new room, as a conversation that needs an agent.
-- KEYS  1 record   2 queue   3 orphans   4 offers   5 leases   6 heirs   7 slots   8 unwritten   9 artifacts   10 held artifacts
-- ARGV  1 call  2 how often it came back before  3 what became of the transfer  4 new room  5 now (ms)  6 slot expiry (ms)  7 TTL (ms)
--       8 how often it may come back
-- Result  {'back'} | {'repeated', room} it was brought back before | {'over'} it is in no transfer, came back too often, or its artifact
--         was written meanwhile | {'unknown'}
-- The new epoch is higher than that of any heir, as in lapse.lua.
-- The call exists, whatever the limit says: it takes a slot again. Its artifact so far is dropped: the agent that goes on writes the whole.
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase', 'transfer', 'returns', 'room', 'admitted_ms', 'heir')
local epoch, phase, transfer, returns = record[1], record[2], record[3], tonumber(record[4] or 0)
if not epoch then
  return { 'unknown' }
end
if phase ~= 'ended' and returns == tonumber(ARGV[2]) + 1 then
  return { 'repeated', record[5] }
end
local is_held = redis.call('ZSCORE', KEYS[10], ARGV[1]) and redis.call('HEXISTS', KEYS[9], ARGV[1]) == 1
if phase ~= 'ended' or transfer ~= 'pending' or returns ~= tonumber(ARGV[2]) or returns >= tonumber(ARGV[8]) or not is_held then
  return { 'over' }
end
redis.call('HDEL', KEYS[9], ARGV[1])
redis.call('ZREM', KEYS[10], ARGV[1])
redis.call('HDEL', KEYS[1], 'next', 'ended_ms', 'briefing', 'claimant', 'heir', 'heir_claimant', 'scribe', 'scribe_until')
redis.call('HSET', KEYS[1], 'phase', 'orphaned', 'transfer', ARGV[3], 'room', ARGV[4],
  'epoch', string.format('%d', math.max(tonumber(epoch), tonumber(record[7] or 0)) + 1), 'returns', string.format('%d', returns + 1))
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[7])
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[7], ARGV[6], ARGV[1])
redis.call('PEXPIRE', KEYS[7], ARGV[7])
redis.call('ZADD', KEYS[8], record[6], ARGV[1])
redis.call('PEXPIRE', KEYS[8], ARGV[7])
return { 'back' }
