-- Rotates through every key of the file BENCH_KEYS, one a line.
local prepared, at, count = {}, 0, 0

function init(args)
  for key in io.lines(os.getenv("BENCH_KEYS")) do
    wrk.headers["X-API-Key"] = key
    count = count + 1
    prepared[count] = wrk.format(nil, "/bench/v1/items/7")
  end
end

function request()
  at = at % count + 1
  return prepared[at]
end
