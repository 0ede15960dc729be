-- Each request with a nonce of its own: line by line from a file, threads a stride apart. Prints one JSON line.
local threads = {}

function setup(thread)
  thread:set("id", #threads)
  table.insert(threads, thread)
end

function init(args)
  base = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. args[2],
           ["Pysandbox-Plugin"] = args[3] }
  payload = string.rep("x", tonumber(args[4]) - 12)
  payload = '{"text":"' .. payload .. '"}'
  nonces = {}
  local stride, number = tonumber(args[5]), 0
  for line in io.lines(args[1]) do
    if number % stride == id then table.insert(nonces, line) end
    number = number + 1
  end
  next_nonce = 0
end

function request()
  next_nonce = next_nonce + 1
  base["Pysandbox-Nonce"] = nonces[next_nonce] or "none left"
  return wrk.format("POST", wrk.path, base, payload)
end

function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
              + summary.errors.timeout
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"bad":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d}\n', summary.requests,
    summary.duration, bad, latency:percentile(50), latency:percentile(90), latency:percentile(99)))
end
