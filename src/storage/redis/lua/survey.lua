-- What a tenant's calls do right now, as one moment.
-- KEYS  1 queue   2 orphans   3 heirs   4 offers   5 leases   6 placement
-- Result  { queue with scores, orphans with scores, heirs with scores, offers as pairs, leases as pairs, placement or '' }
return {
  redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'),
  redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'),
  redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES'),
  redis.call('HGETALL', KEYS[4]),
  redis.call('HGETALL', KEYS[5]),
  redis.call('GET', KEYS[6]) or '',
}
