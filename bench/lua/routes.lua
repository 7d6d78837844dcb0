-- Rotates through BENCH_COUNT paths made from BENCH_PATH, in an order that no cache of the last few helps.
local count = tonumber(os.getenv("BENCH_COUNT"))
local path = os.getenv("BENCH_PATH")
local prepared, at = {}, 0

function init(args)
  for n = 0, count - 1 do
    prepared[n] = wrk.format(nil, string.format(path, n))
  end
end

function request()
  at = (at + 7919) % count
  return prepared[at]
end
