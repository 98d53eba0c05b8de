-- Exact whole numbers for the scripts of this folder; put in front of each of them.
-- Lua's numbers are doubles and end at 2^53, so an amount is a pair {high, low} with value = high * 10^9 + low and
-- 0 <= low < 10^9: both halves of up to 24 digits stay far below 2^53, and no sum is ever rounded.
local BASE = 1000000000

local function money(text)
  -- Most amounts: exact as one double.
  if #text < 16 and string.byte(text) ~= 45 then
    local value = tonumber(text)
    local high = math.floor(value / BASE)
    return {high, value - high * BASE}
  end
  local negative = string.sub(text, 1, 1) == '-'
  local digits = negative and string.sub(text, 2) or text
  local high, low = tonumber(string.sub(digits, 1, -10)) or 0, tonumber(string.sub(digits, -9))
  if not negative then return {high, low} end
  if low == 0 then return {0 - high, 0} end
  return {0 - high - 1, BASE - low}
end

local ZERO = {0, 0}

local function plus(a, b)
  local high, low = a[1] + b[1], a[2] + b[2]
  if low >= BASE then return {high + 1, low - BASE} end
  return {high, low}
end

local function minus(a, b)
  local high, low = a[1] - b[1], a[2] - b[2]
  if low < 0 then return {high - 1, low + BASE} end
  return {high, low}
end

local function less(a, b)
  if a[1] ~= b[1] then return a[1] < b[1] end
  return a[2] < b[2]
end

local function text(a)
  if a[1] >= 0 and a[1] < 1000000 then return string.format('%.0f', a[1] * BASE + a[2]) end
  local sign, high, low = '', a[1], a[2]
  if high < 0 then
    sign, high, low = '-', 0 - high, 0 - low
    if low < 0 then high, low = high - 1, low + BASE end
  end
  if high == 0 then return string.format('%s%.0f', sign, low) end
  return string.format('%s%.0f%09.0f', sign, high, low)
end

-- What a payer may still spend, and what of his daily limit is left; nil: without limit. What is held or pending counts
-- for today. Fields as HMGET gives them: balance, credit, reserved, pending, day.
local function spendable(payer, now)
  local taken, own, today = plus(money(payer[3] or '0'), money(payer[4] or '0')), nil, nil
  if payer[2] ~= 'inf' then own = minus(plus(money(payer[1]), money(payer[2] or '0')), taken) end
  if payer[5] and payer[5] ~= '' then
    local limit, spent, till = string.match(payer[5], '(%S+) (%S+) (%S+)')
    today = minus(money(limit), taken)
    if tonumber(now) < tonumber(till) then today = minus(today, money(spent)) end
    if not own or less(today, own) then own = today end
  end
  return own, today
end

-- Takes places back, by the names of their counters with blanks between; a counter at 0 is not kept. Read and written
-- together: each command of a script costs more than its work.
local function give_back(names)
  local keys, places = {}, {}
  for key in string.gmatch(names, '%S+') do
    if not places[key] then keys[#keys + 1] = key end
    places[key] = (places[key] or 0) + 1
  end
  if #keys == 0 then return end
  local kept, gone = {}, {}
  for i, value in ipairs(redis.call('MGET', unpack(keys))) do
    local left = tonumber(value or '0') - places[keys[i]]
    if left > 0 then
      kept[#kept + 1] = keys[i]
      kept[#kept + 1] = left
    else
      gone[#gone + 1] = keys[i]
    end
  end
  if #kept > 0 then redis.call('MSET', unpack(kept)) end
  if #gone > 0 then redis.call('DEL', unpack(gone)) end
end

local function is_window(key) return string.sub(key, 1, 13) == 'tollgate:cps:' end

-- A window of calls per second is of no use a second later.
local function take(key, places)
  if redis.call('INCRBY', key, places) == places and is_window(key) then redis.call('PEXPIRE', key, 2000) end
end
