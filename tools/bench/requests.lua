-- What `wrk` sends where a GET without a body is not enough: see `wrk.py`, which writes the file.

local method, path, body, turn
local headers, tokens = {}, {}
local sent = 0

function init(args)
  local lines = io.lines(args[1])
  method, path = lines(), lines()
  for _ = 1, tonumber(lines()) do
    local name = lines()
    headers[name] = lines()
  end
  body, turn = lines(), lines()
  if body == "" then body = nil end
  for token in lines do
    tokens[#tokens + 1] = token
  end
  if #tokens == 0 then
    local whole = wrk.format(method, path, headers, body)
    request = function() return whole end
  end
end

function request()
  if sent == #tokens then
    if turn == "once" then wrk.thread:stop() end
    sent = 0
  end
  sent = sent + 1
  local now = {}
  for name, value in pairs(headers) do
    now[name] = value:gsub("{token}", tokens[sent])
  end
  return wrk.format(method, path, now, body and (body:gsub("{token}", tokens[sent])))
end
