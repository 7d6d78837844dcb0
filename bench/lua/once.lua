-- Each line of BENCH_LINES once: an Authorization header and, behind a tab, a DPoP header if there is one.
local lines, at = {}, 0

function init(args)
  for line in io.lines(os.getenv("BENCH_LINES")) do
    lines[#lines + 1] = line
  end
end

function request()
  at = at + 1
  local line = lines[at] or "Bearer used-up\t"
  local authorization, proof = line:match("^([^\t]*)\t(.*)$")
  local headers = { ["Authorization"] = authorization }
  if proof ~= "" then headers["DPoP"] = proof end
  return wrk.format(nil, nil, headers)
end
