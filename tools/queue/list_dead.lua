-- Dead letters without their pictures: EVAL this 1 jobs.dead COUNT
local list = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])) do
  local line = entry[1]
  for i = 1, #entry[2], 2 do
    local name, value = entry[2][i], entry[2][i + 1]
    line = line .. ' ' .. name .. '=' .. (#value > 200 and '(' .. #value .. ' bytes)' or value)
  end
  list[#list + 1] = line
end
return list
