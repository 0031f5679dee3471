/**
 * The one write: judges each change of a batch on its own, and applies it whole or not at all.
 *
 * Redis runs a script without anything in between, which is what makes it a transaction. It doesn't roll back: whatever
 * can fail comes before the first write, and what the server itself could refuse in the middle is asked of it first. The
 * first line makes it refuse the whole script where it is out of memory, a replica, or has lost too many replicas.
 *
 * No clock is read and nothing is given an expiry: instants are what the rows say, and only a purge deletes.
 *
 * KEYS: head, rows, index, live, journal, changes
 * ARGV: the channel that is told of a new head, then the changes one after the other, each as
 *   id | n, n times: field, version | n, n times: field | n, n times: field, row | n, n times: entry
 *   | seq and hash that its entries were linked to | hash of the last entry | the seq to trim to, 0: none
 * Reply: seq and hash of the head, then for each change 'committed', 'conflict', 'moved', 'beyond' or 'malformed'
 */
export const COMMIT_SCRIPT = String.raw`#!lua
local HEAD, ROWS, INDEX, LIVE, JOURNAL, CHANGES = unpack(KEYS)
local COLUMN, ROW = '\0', '\2'
local call = redis.call

-- Nothing half-written: a key of another type, or a command that this user may not run, would stop a change in its middle.
local TYPES = { [HEAD] = 'hash', [ROWS] = 'hash', [INDEX] = 'zset', [LIVE] = 'hash', [JOURNAL] = 'hash', [CHANGES] = 'zset' }
local there = {}
for key, expected in pairs(TYPES) do
  local found = call('TYPE', key).ok
  there[key] = found ~= 'none'
  if there[key] and found ~= expected then
    return redis.error_reply('JITREFUSED ' .. key .. ' is a ' .. found .. ' and not a ' .. expected .. '; nothing was written')
  end
end
local NEEDED = {
  { 'HSET', HEAD, 'f', 'v' }, { 'HSET', ROWS, 'f', 'v' }, { 'HDEL', ROWS, 'f' }, { 'ZADD', INDEX, '0', 'm' }, { 'ZREM', INDEX, 'm' },
  { 'HSET', LIVE, 'f', 'v' }, { 'HDEL', LIVE, 'f' }, { 'HSET', JOURNAL, 'f', 'v' }, { 'HDEL', JOURNAL, 'f' },
  { 'ZADD', CHANGES, '0', 'm' }, { 'ZREMRANGEBYSCORE', CHANGES, '-inf', '0' },
}
for _, command in ipairs(NEEDED) do
  if not redis.acl_check_cmd(unpack(command)) then
    return redis.error_reply('JITREFUSED this user may not run ' .. command[1] .. ' on ' .. command[2] .. '; nothing was written')
  end
end

-- A namespace has a head or nothing: over a head that was lost a second journal would begin, at 1.
local layout, seq, hash = unpack(call('HMGET', HEAD, 'layout', 'seq', 'hash'))
if there[HEAD] then
  if layout ~= '1' or not seq or not hash then
    return redis.error_reply('JITREFUSED ' .. HEAD .. ' is of a layout that this version does not know; nothing was written')
  end
else
  for key in pairs(TYPES) do
    if there[key] then return redis.error_reply('JITREFUSED ' .. HEAD .. ' is gone, ' .. key .. ' is not; nothing was written') end
  end
  layout, seq, hash = false, '0', string.rep('0', 64)
end
seq = tonumber(seq)

-- Lua would write 100000000000000 as 1e+14.
local function text(number) return string.format('%.0f', number) end

local COLUMNS = '^' .. string.rep('([^%z]*)%z', 9)

-- Where a row is to be found: the lines of the index, and the field in which a check reads it. Made of the row's own
-- columns alone, so that what was written for the old row is exactly what is taken away with it.
local function places(row)
  local kind, id, _, open, subject, scope, _, _, due = string.match(row, COLUMNS)
  local lines = { table.concat({ 'find', kind, open, '', id }, COLUMN) }
  if subject ~= '' then lines[2] = table.concat({ 'find', kind, open, subject, id }, COLUMN) end
  if due ~= '' then lines[#lines + 1] = table.concat({ 'due', string.rep('0', 16 - #due) .. due, kind, id }, COLUMN) end
  local field
  if open == '1' and subject ~= '' and (kind == 'grant' or kind == 'usage') then
    lines[#lines + 1] = table.concat({ 'live', subject, scope, kind, id }, COLUMN)
    field = subject .. COLUMN .. scope
  end
  return lines, field
end

-- What lies in LIVE is the same rows as in ROWS, in the same script: a check is never behind a commit.
local function relist(field, key, row)
  local kept = {}
  local listed = call('HGET', LIVE, field)
  if listed then
    for other in string.gmatch(listed, '[^\2]+') do
      if string.sub(other, 1, #key + 1) ~= key .. COLUMN then kept[#kept + 1] = other end
    end
  end
  if row then kept[#kept + 1] = row end
  if #kept == 0 then call('HDEL', LIVE, field) else call('HSET', LIVE, field, table.concat(kept, ROW)) end
end

-- Puts a row in the place of the one with its key, or takes that away.
local function replace(key, row)
  local stale = {}
  local before = call('HGET', ROWS, key)
  local oldField, newField
  if before then
    local lines
    lines, oldField = places(before)
    for _, line in ipairs(lines) do stale[line] = true end
  end
  if row then
    local lines
    lines, newField = places(row)
    call('HSET', ROWS, key, row)
    for _, line in ipairs(lines) do
      if stale[line] then stale[line] = nil else call('ZADD', INDEX, '0', line) end
    end
  else
    call('HDEL', ROWS, key)
  end
  for line in pairs(stale) do call('ZREM', INDEX, line) end
  if oldField and oldField ~= newField then relist(oldField, key) end
  if newField then relist(newField, key, row) end
end

local function trimmed() return tonumber(call('HGET', HEAD, 'startSeq') or '0') end

-- The journal goes up to and with this number; the change ids go with the last of their entries.
local function trim(to)
  local startHash = string.sub(call('HGET', JOURNAL, text(to)), 1, 64)
  local fields = {}
  for number = trimmed() + 1, to do
    fields[#fields + 1] = text(number)
    -- As many as Lua's stack takes at once, and some to spare.
    if #fields == 1000 or number == to then
      call('HDEL', JOURNAL, unpack(fields))
      fields = {}
    end
  end
  call('ZREMRANGEBYSCORE', CHANGES, '-inf', text(to))
  call('HSET', HEAD, 'startSeq', text(to), 'startHash', startHash)
end

local at = 1
local function take()
  at = at + 1
  return ARGV[at]
end
local function takeList(size)
  local list = {}
  for i = 1, tonumber(take()) * size do list[i] = take() end
  return list
end

local function judge()
  local id = take()
  local expect, remove, put, append = takeList(2), takeList(1), takeList(2), takeList(1)
  local baseSeq, baseHash, lastHash, trimTo = take(), take(), take(), tonumber(take())
  -- The same change again, before anything is compared: its reply was lost, and its records have moved on since.
  if call('ZSCORE', CHANGES, id) then
    -- It changes nothing. But WAIT waits for what its own connection has written, and this one may be new.
    call('HSET', HEAD, 'layout', '1')
    return 'committed'
  end
  -- Every record that it relies on, those that it only read too.
  for i = 1, #expect, 2 do
    local row = call('HGET', ROWS, expect[i])
    local version = '0'
    if row then version = select(3, string.match(row, COLUMNS)) end
    if not version then return 'malformed' end
    if version ~= expect[i + 1] then return 'conflict' end
  end
  -- Its entries continue the journal or they are not written: no gap, no fork.
  if #append > 0 and (baseSeq ~= text(seq) or baseHash ~= hash) then return 'moved' end
  if trimTo > seq + #append then return 'beyond' end
  -- The entry whose hash the journal will start from.
  if trimTo > trimmed() and trimTo <= seq and call('HEXISTS', JOURNAL, text(trimTo)) == 0 then return 'malformed' end

  if not layout then
    call('HSET', HEAD, 'layout', '1', 'seq', '0', 'hash', hash)
    layout = '1'
  end
  for _, key in ipairs(remove) do replace(key) end
  for i = 1, #put, 2 do replace(put[i], put[i + 1]) end
  for _, entry in ipairs(append) do
    seq = seq + 1
    call('HSET', JOURNAL, text(seq), entry)
  end
  if #append > 0 then
    hash = lastHash
    call('ZADD', CHANGES, text(seq), id)
    call('HSET', HEAD, 'seq', text(seq), 'hash', hash)
  end
  if trimTo > trimmed() then trim(trimTo) end
  return 'committed'
end

local before = seq
local reply = {}
while at < #ARGV do reply[#reply + 1] = judge() end
-- A hint: a user who may not publish still commits.
if seq > before then redis.pcall('PUBLISH', ARGV[1], text(seq)) end
table.insert(reply, 1, hash)
table.insert(reply, 1, text(seq))
return reply
`;
