-- Spreads requests over the first BENCH_COUNT resources, in an order that no cache of the last few helps.
local count = tonumber(os.getenv("BENCH_COUNT"))
local prepared, at = {}, 0

function init(args)
  for n = 0, count - 1 do
    prepared[n] = wrk.format(nil, string.format("/bench/v1/r%d/items/7", n))
  end
end

function request()
  at = (at + 7919) % count
  return prepared[at]
end
