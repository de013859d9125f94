-- SPDX-License-Identifier: Apache-2.0
--
-- What wrk sends and says: GETs whose keys are those of a file, in turn, and the outcome as one line of JSON.
--
--   wrk … -s load.lua URL -- HOST KEYS

local requests, turn = {}, 0

function init(arguments)
    for key in io.lines(arguments[2]) do
        requests[#requests + 1] = wrk.format("GET", nil, { ["Host"] = arguments[1], ["X-Api-Key"] = key })
    end
end

function request()
    turn = turn % #requests + 1
    return requests[turn]
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        '{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"p999":%d,'
            .. '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}',
        summary.requests, summary.duration, summary.bytes,
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
        errors.connect, errors.read, errors.write, errors.status, errors.timeout
    ))
end
