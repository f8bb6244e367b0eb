-- Lets one dispatcher at a time offer a call to the pods.
-- KEYS  1 record   2 offers
-- ARGV  1 call  2 now (ms)  3 pause since the last offer (ms)  4 TTL (ms)
-- Result  {'offer', offers so far, epoch to claim, room, placement or ''} | {'early'} another dispatcher offered it a moment ago | {'taken'} nobody needs to
local record = redis.call('HMGET', KEYS[1], 'epoch', 'phase', 'heir', 'heir_claimant', 'room', 'placement')
local epoch, phase, heir = record[1], record[2], record[3]
if phase == 'active' and heir and not record[4] then
  epoch = heir
elseif phase ~= 'waiting' and phase ~= 'orphaned' then
  return { 'taken' }
end
local last = redis.call('HGET', KEYS[2], ARGV[1]) or ''
local at, count = string.match(last, '^(%d+) (%d+)$')
if at and tonumber(ARGV[2]) - tonumber(at) < tonumber(ARGV[3]) then
  return { 'early' }
end
count = string.format('%d', tonumber(count or 0) + 1)
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. count)
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return { 'offer', count, epoch, record[5], record[6] or '' }
