-- Takes a call away from its worker: because its lease was not raised, or because the worker itself gives it back.
-- KEYS  1 record   2 queue   3 orphans   4 offers   5 leases   6 heirs   7 slots
-- ARGV  1 call  2 epoch  3 counter that was seen unchanged, or '' if the worker gives it back  4 now (ms)  5 TTL (ms)
-- Result  {'waiting', epoch} it rings again, with its old age | {'orphaned', epoch} it was in conversation | {'ended'} it had said its
--         last words, only its room is left | {'kept'} somebody owns it | {'unknown'}
-- The new epoch is higher than that of any heir, so neither the old worker nor an heir can write any more.
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase', 'admitted_ms', 'next', 'heir')
local epoch, phase = record[1], record[2]
if not epoch then
  redis.call('HDEL', KEYS[5], ARGV[1])
  return { 'unknown' }
end
if epoch ~= ARGV[2] or (phase ~= 'claimed' and phase ~= 'active') then
  return { 'kept' }
end
if ARGV[3] ~= '' and (redis.call('HGET', KEYS[5], ARGV[1]) or '') ~= ARGV[2] .. ' ' .. ARGV[3] then
  return { 'kept' }
end
redis.call('HDEL', KEYS[5], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[6], ARGV[1])
local next_epoch = string.format('%d', math.max(tonumber(epoch), tonumber(record[5] or 0)) + 1)
redis.call('HDEL', KEYS[1], 'claimant', 'heir', 'heir_claimant')
redis.call('HSET', KEYS[1], 'epoch', next_epoch)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if record[4] then
  redis.call('HSET', KEYS[1], 'phase', 'ended', 'ended_ms', ARGV[4])
  redis.call('ZREM', KEYS[7], ARGV[1])
  return { 'ended' }
end
if phase == 'claimed' then
  redis.call('HSET', KEYS[1], 'phase', 'waiting')
  redis.call('ZADD', KEYS[2], record[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
  return { 'waiting', next_epoch }
end
redis.call('HSET', KEYS[1], 'phase', 'orphaned')
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
return { 'orphaned', next_epoch }
