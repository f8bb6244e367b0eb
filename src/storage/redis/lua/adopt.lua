-- A pod takes on the paperwork of an ended call whose artifact nobody wrote.
-- KEYS  1 record   2 unwritten
-- ARGV  1 call  2 ended before (ms)  3 pod  4 now (ms)  5 how long it has for it (ms)
-- Result  {'yours', field, value, ...} | {'not yet'} it lives, ended a moment ago, or another pod is at it | {'gone'} Redis lost it
local record = redis.call('HMGET', KEYS[1], 'phase', 'ended_ms', 'scribe_until')
if not record[1] then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return { 'gone' }
end
local ended, busy_until = tonumber(record[2] or 0), tonumber(record[3] or 0)
if record[1] ~= 'ended' or ended > tonumber(ARGV[2]) or busy_until > tonumber(ARGV[4]) then
  return { 'not yet' }
end
redis.call('HSET', KEYS[1], 'scribe', ARGV[3], 'scribe_until', string.format('%d', tonumber(ARGV[4]) + tonumber(ARGV[5])))
local reply = redis.call('HGETALL', KEYS[1])
table.insert(reply, 1, 'yours')
return reply
