-- Puts a dead letter back into its queue, its picture included: EVAL this 2 jobs.dead jobs ID
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not found then return redis.error_reply('no such dead letter') end
local entry = {}
for i = 1, #found[2], 2 do
  if string.sub(found[2][i], 1, 5) ~= 'dead-' then
    entry[#entry + 1] = found[2][i]
    entry[#entry + 1] = found[2][i + 1]
  end
end
local id = redis.call('XADD', KEYS[2], '*', unpack(entry))
redis.call('XDEL', KEYS[1], ARGV[1])
return id
