-- SPDX-License-Identifier: Apache-2.0
--
-- The policy of nginx_lua.py: who may come, how often, and how often they came.

local policy = {}

local limits, counts = ngx.shared.limits, ngx.shared.counts
local clients = {}
local requests_per_second

-- A file of keys, one a line.
function policy.load(path, limit)
    requests_per_second = limit
    local number = 0
    for key in io.lines(path) do
        number = number + 1
        clients[key] = "client-" .. number
    end
end

local function client()
    local key = ngx.var.http_x_api_key
    return key and clients[key]
end

function policy.admit()
    local client = client()
    if not client then
        return ngx.exit(401)
    end
    local requests = limits:incr(client .. ":" .. ngx.time(), 1, 0, 2)
    if requests > requests_per_second then
        return ngx.exit(429)
    end
end

function policy.count()
    local client = client()
    if client then
        counts:incr(client .. ":" .. ngx.status, 1, 0)
    end
end

local function sum(dictionary)
    local total = 0
    for _, name in ipairs(dictionary:get_keys(0)) do
        total = total + (dictionary:get(name) or 0)
    end
    return total
end

-- The limits' part is what has come within the last two seconds.
function policy.report()
    ngx.say(string.format('{"limit":%d,"counts":%d}', sum(limits), sum(counts)))
end

return policy
