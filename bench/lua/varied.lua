-- Every request has another path and another query.
local at = 0

function request()
  at = at + 1
  return wrk.format(nil, string.format("/bench/v1/items/%d?page=%d&sort=name", at, at))
end
