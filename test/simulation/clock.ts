/**
 * Put in front of each script: what is to live for a while lives by simulated time, which comes as the last argument.
 * The scripts themselves are the product's, word for word.
 */
export const CLOCK = `
local sim_now = tonumber(table.remove(ARGV))
local real = redis
for _, key in ipairs(real.call('ZRANGEBYSCORE', 'simulation:ends', '-inf', sim_now)) do
  real.call('DEL', key)
  real.call('ZREM', 'simulation:ends', key)
end
local function ends(key, ms) real.call('ZADD', 'simulation:ends', sim_now + ms, key) end
local redis = {error_reply = real.error_reply}
function redis.call(command, key, ...)
  if command == 'PEXPIRE' or command == 'EXPIRE' then
    ends(key, tonumber((...)) * (command == 'EXPIRE' and 1000 or 1))
    return 1
  end
  if command ~= 'SET' then return real.call(command, key, ...) end
  local words, kept, life = {...}, {}, nil
  local at = 1
  while at <= #words do
    local unit = at > 1 and words[at]
    if unit == 'EX' or unit == 'PX' then
      life = tonumber(words[at + 1]) * (unit == 'EX' and 1000 or 1)
      at = at + 2
    else
      kept[#kept + 1] = words[at]
      at = at + 1
    end
  end
  local answer = real.call('SET', key, unpack(kept))
  if answer and life then ends(key, life) end
  return answer
end
`;
