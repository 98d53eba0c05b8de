-- Scores of the dynamic blacklist; put in front of settled.lua. A score is kept as its level (routing/score.ts): the
-- half-lives since 1970 plus the binary logarithm of its points.
local LOG2 = math.log(2)

local function raise(set, item, points, age)
  local level = age + math.log(points) / LOG2
  local before = tonumber(redis.call('ZSCORE', set, item) or nil)
  if before then
    local high, low = math.max(before, level), math.min(before, level)
    level = high + math.log(1 + 2 ^ (low - high)) / LOG2
  end
  redis.call('ZADD', set, string.format('%.17g', level), item)
end

-- Numbers of the same length that lie at most so far apart; those that differ before the last nine digits do not.
local function is_near(number, other, step)
  if #number ~= #other or string.sub(number, 1, -10) ~= string.sub(other, 1, -10) then return false end
  local apart = math.abs(tonumber(string.sub(number, -9)) - tonumber(string.sub(other, -9)))
  return apart >= 1 and apart <= step
end

-- The points that a source has for how this number follows what it dialled before.
local function points_of_dialling(call, rules)
  local points = 0
  if rules.step > 0 and call.digits then
    local last = 'tollgate:dialled:last:' .. call.source
    local before = redis.call('GET', last)
    if before and is_near(before, call.number, rules.step) then points = points + rules.sequential end
    redis.call('SET', last, call.number, 'PX', rules.window)
  end
  if rules.many > 0 then
    local numbers = 'tollgate:dialled:numbers:' .. call.source
    redis.call('ZADD', numbers, 'GT', string.format('%.0f', call.dialled), call.number)
    redis.call('ZREMRANGEBYSCORE', numbers, '-inf', string.format('%.0f', call.dialled - rules.window))
    redis.call('ZREMRANGEBYRANK', numbers, 0, -1 - rules.many)
    redis.call('PEXPIRE', numbers, rules.window)
    if redis.call('ZCARD', numbers) >= rules.many then points = points + rules.spread end
  end
  return points
end

local function feed(call, rules)
  local more = call.source and call.number and points_of_dialling(call, rules) or 0
  local function add(name, item, points)
    points = points * rules.weights[name]
    if item and points > 0 then raise(rules.set, name .. ':' .. item, points, call.age) end
  end
  add('source', call.source, call.points + more)
  add('destination', call.number, call.points)
  add('ip', call.ip, call.points + more)
end

-- What has faded goes, then the lowest of what is too many. A set that rests goes when its highest could have faded.
local function trim(rules)
  redis.call('ZREMRANGEBYSCORE', rules.set, '-inf', string.format('(%.17g', rules.age - 1))
  redis.call('ZREMRANGEBYRANK', rules.set, 0, -1 - rules.stored)
  if rules.life > 0 then redis.call('PEXPIRE', rules.set, rules.life) end
  redis.call('INCR', 'tollgate:scores:changed')
end
