-- The code flow of somebody who is signed in: an authorization request, then the code at the token endpoint.
local authorize, codes, ready = nil, {}, 0
local form = { ["Content-Type"] = "application/x-www-form-urlencoded" }
local exchange = os.getenv("BENCH_EXCHANGE")

function init(args)
  authorize = wrk.format("GET", os.getenv("BENCH_AUTHORIZE"), { ["Cookie"] = os.getenv("BENCH_COOKIE") })
end

function request()
  if ready == 0 then return authorize end
  local code = codes[ready]
  codes[ready] = nil
  ready = ready - 1
  return wrk.format("POST", "/oauth2/token", form, exchange .. code)
end

function response(status, headers, body)
  local place = headers["location"] or headers["Location"]
  local code = place and place:match("[?&]code=([^&]+)")
  if code then
    ready = ready + 1
    codes[ready] = code
  end
end
