import { WHOLE } from './whole-script.js';

/** The greatest number of journal entries that one script deletes. More would block the other clients for too long (L42). */
const DROP_STEP = 1_000;

/**
 * Lua that deletes trimmed entries and the ids of their changes, in steps.
 *
 * The trim itself is one number in the head and part of its change. No answer contains entries up to that number, so their
 * deletion can wait.
 */
const DROP = String.raw`
-- Deletes one step of entries. Returns the seq up to which entries are deleted now, and the number of change ids deleted with them.
local function drop(journal, changes, dropped, start)
  local to = math.min(start, dropped + ${DROP_STEP})
  local fields = {}
  for number = dropped + 1, to do fields[#fields + 1] = string.format('%.0f', number) end
  redis.call('HDEL', journal, unpack(fields))
  return to, redis.call('ZREMRANGEBYSCORE', changes, '-inf', string.format('%.0f', to))
end
`;

/**
 * The only write, except for the deletion of trimmed entries. Checks each change of a batch on its own, and applies it
 * completely or not at all.
 *
 * Redis runs nothing else during a script, which makes the script a transaction. But Redis does not roll back. So everything
 * that can fail comes before the first write, including checks of what the server could refuse later.
 *
 * The first line makes the server refuse the whole script on a replica or when too few replicas are connected. Without
 * `allow-oom` it is also refused when memory is full.
 *
 * The script reads no clock and sets no expiry: instants are those of the rows, and only a purge deletes.
 *
 * KEYS: head, rows, index, live, journal, changes
 * ARGV: the channel for notices of a new head, then the changes one after the other, each as
 *   id | seq and hash of an entry that its caller knows, seq 0: none | n, n times: field, version | n, n times: field
 *   | n, n times: field, row | n, n times: entry
 *   | seq and hash that its entries were linked to | hash of the last entry | the seq to trim to, 0: none
 * Reply: seq and hash of the head, then for each change 'committed', 'conflict', 'behind', 'moved', 'beyond', 'recreated' or
 *   'malformed'
 */
const COMMIT = String.raw`${WHOLE}${DROP}
local HEAD, ROWS, INDEX, LIVE, JOURNAL, CHANGES = unpack(KEYS)
local COLUMN, ROW = '\0', '\2'
local call = redis.call

-- Refuses before the first write: a key of another type, or a command that this user may not run, would fail in the middle of a change.
local TYPES = { [HEAD] = 'hash', [ROWS] = 'hash', [INDEX] = 'zset', [LIVE] = 'hash', [JOURNAL] = 'hash', [CHANGES] = 'zset' }
local there = {}
for key, expected in pairs(TYPES) do
  local found = call('TYPE', key).ok
  there[key] = found ~= 'none'
  if there[key] and found ~= expected then
    return redis.error_reply('JITREFUSED ' .. key .. ' is a ' .. found .. ' instead of a ' .. expected .. '; nothing was written')
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

-- A namespace without a head must have no other key: after the loss of its head, a second journal would begin at seq 1.
local layout, seq, hash, start, dropped, rows, lines, fields, ids =
  unpack(call('HMGET', HEAD, 'layout', 'seq', 'hash', 'startSeq', 'dropped', 'rows', 'lines', 'fields', 'ids'))
if there[HEAD] then
  if layout ~= '1' then return redis.error_reply('JITREFUSED ' .. wrongLayout(HEAD, layout) .. '; nothing was written') end
  if not seq or not hash then return redis.error_reply('JITREFUSED ' .. HEAD .. ' lacks its seq or hash; nothing was written') end
  local damaged = differs(HEAD, ROWS, 'HLEN', rows) or differs(HEAD, INDEX, 'ZCARD', lines) or differs(HEAD, LIVE, 'HLEN', fields)
    or differs(HEAD, CHANGES, 'ZCARD', ids)
    or differs(HEAD, JOURNAL, 'HLEN', string.format('%.0f', tonumber(seq) - tonumber(dropped or '0')))
  if damaged then return refuse(damaged .. '; nothing was written') end
else
  for key in pairs(TYPES) do
    if there[key] then return redis.error_reply('JITREFUSED ' .. HEAD .. ' is missing, although ' .. key .. ' exists; nothing was written') end
  end
  layout, seq, hash = false, '0', string.rep('0', 64)
end
seq, start, dropped = tonumber(seq), tonumber(start or '0'), tonumber(dropped or '0')
rows, lines, fields, ids = tonumber(rows or '0'), tonumber(lines or '0'), tonumber(fields or '0'), tonumber(ids or '0')

-- Lua would write 100000000000000 as 1e+14.
local function text(number) return string.format('%.0f', number) end

local COLUMNS = '^' .. string.rep('([^%z]*)%z', 11)

local function readKept(row)
  local _, _, version, _, _, _, _, _, _, created = string.match(row, COLUMNS)
  return version, created
end

-- Pads an instant to the 16 digits of the last instant, so that instants sort as text.
local function digits(instant) return string.rep('0', 16 - #instant) .. instant end

-- Where a row is listed: its lines of the index, and its field of LIVE, if it has one. Both are computed from the row's own
-- columns alone, so that replacing a row removes exactly what was written for the old row.
local function places(row)
  local kind, id, _, open, subject, scope, _, _, due, created, sort = string.match(row, COLUMNS)
  local lines = {}
  local function add(...) lines[#lines + 1] = table.concat({ ... }, COLUMN) end
  add('find', kind, open, '', digits(created), id)
  if subject ~= '' then add('find', kind, open, subject, digits(created), id) end
  if scope ~= '' and kind == 'grant' then add('scope', kind, open, scope, digits(created), id) end
  if open == '1' and sort ~= '' then
    add('sort', kind, '', digits(sort), id)
    if subject ~= '' then add('sort', kind, subject, digits(sort), id) end
  end
  if due ~= '' then add('due', digits(due), kind, id) end
  local field
  if open == '1' and subject ~= '' and (kind == 'grant' or kind == 'usage') then
    add('live', subject, scope, kind, id)
    field = subject .. COLUMN .. scope
  end
  return lines, field
end

-- LIVE lists the rows that a check must read, and holds no copy of them: a check reads the same rows that a commit compares.
local function relist(field, key, isListed)
  local kept = {}
  for other in string.gmatch(call('HGET', LIVE, field) or '', '[^\2]+') do
    if other ~= key then kept[#kept + 1] = other end
  end
  if isListed then kept[#kept + 1] = key end
  if #kept == 0 then fields = fields - call('HDEL', LIVE, field)
  else fields = fields + call('HSET', LIVE, field, table.concat(kept, ROW)) end
end

-- Replaces the row of a key, with its lines and its item in LIVE. Without a new row, removes them.
local function replace(key, row)
  local stale = {}
  local before = call('HGET', ROWS, key)
  local oldField, newField
  if before then
    local old
    old, oldField = places(before)
    for _, line in ipairs(old) do stale[line] = true end
  end
  if row then
    local new
    new, newField = places(row)
    rows = rows + call('HSET', ROWS, key, row)
    for _, line in ipairs(new) do
      if stale[line] then stale[line] = nil else lines = lines + call('ZADD', INDEX, '0', line) end
    end
  else
    rows = rows - call('HDEL', ROWS, key)
  end
  for line in pairs(stale) do lines = lines - call('ZREM', INDEX, line) end
  if oldField == newField then return end
  if oldField then relist(oldField, key, false) end
  if newField then relist(newField, key, true) end
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

local hasWritten = false
local function judge()
  local id, knownSeq, knownHash = take(), tonumber(take()), take()
  local expect, remove, put, append = takeList(2), takeList(1), takeList(2), takeList(1)
  local baseSeq, baseHash, lastHash, trimTo = take(), take(), take(), tonumber(take())
  -- Comes before every comparison: a change sent again after a lost reply would conflict with its own writes, or with later ones.
  if call('ZSCORE', CHANGES, id) then
    -- Writes a value that is there already: WAIT covers only the writes of its own connection, and this connection may be new.
    call('HSET', HEAD, 'layout', '1')
    return 'committed'
  end
  -- The journal must hold the entry that the caller knows, or have trimmed it. Otherwise the journal went back or forked (L40).
  if knownSeq > start then
    local found = hash
    if knownSeq > seq then return 'behind' end
    if knownSeq < seq then found = string.sub(call('HGET', JOURNAL, text(knownSeq)) or '', 1, 64) end
    if found ~= knownHash then return 'behind' end
  end
  -- Compares every record that the change relies on, also those that it only read.
  local createdAt = {}
  for i = 1, #expect, 2 do
    local row = call('HGET', ROWS, expect[i])
    local version = '0'
    if row then version, createdAt[expect[i]] = readKept(row) end
    if not version then return 'malformed' end
    if version ~= expect[i + 1] then return 'conflict' end
  end
  for i = 1, #put, 2 do
    local created = createdAt[put[i]]
    if created and created ~= select(10, string.match(put[i + 1], COLUMNS)) then return 'recreated' end
  end
  -- The entries must be linked to the current head, so that the journal has no gap and no fork.
  if #append > 0 and (baseSeq ~= text(seq) or baseHash ~= hash) then return 'moved' end
  if trimTo > seq + #append then return 'beyond' end
  -- The entry to trim to must exist, because its hash becomes the journal's start.
  if trimTo > start and trimTo <= seq and call('HEXISTS', JOURNAL, text(trimTo)) == 0 then return 'malformed' end

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
    ids = ids + call('ZADD', CHANGES, text(seq), id)
    call('HSET', HEAD, 'seq', text(seq), 'hash', hash)
  end
  if trimTo > start then
    start = trimTo
    call('HSET', HEAD, 'startSeq', text(start), 'startHash', string.sub(call('HGET', JOURNAL, text(start)), 1, 64))
  end
  hasWritten = true
  return 'committed'
end

local before = seq
local reply = {}
while at < #ARGV do reply[#reply + 1] = judge() end
-- Deletes one step of trimmed entries, also those of an earlier trim whose process ended before it had deleted them.
if dropped < start then
  local gone
  dropped, gone = drop(JOURNAL, CHANGES, dropped, start)
  ids, hasWritten = ids - gone, true
end
if hasWritten then
  call('HSET', HEAD, 'dropped', text(dropped), 'rows', text(rows), 'lines', text(lines), 'fields', text(fields), 'ids', text(ids))
end
-- The message is only a hint, so an error is ignored: the commit of a user that may not publish still succeeds.
if seq > before then redis.pcall('PUBLISH', ARGV[1], text(seq)) end
table.insert(reply, 1, hash)
table.insert(reply, 1, text(seq))
return reply
`;

/** For changes that add rows, or only append entries: the server refuses this script as a whole when memory is full. */
export const COMMIT_SCRIPT = `#!lua\n${COMMIT}`;
/** For all other changes: a full server must still accept a revoke and a purge. */
export const ENDING_COMMIT_SCRIPT = `#!lua flags=allow-oom\n${COMMIT}`;

/**
 * Deletes the next step of trimmed entries.
 *
 * KEYS: head, journal, changes
 * Reply: the number of entries that are left to delete
 */
export const DROP_SCRIPT = String.raw`#!lua flags=allow-oom
${DROP}
local HEAD, JOURNAL, CHANGES = unpack(KEYS)
local start, dropped, ids = unpack(redis.call('HMGET', HEAD, 'startSeq', 'dropped', 'ids'))
start, dropped = tonumber(start or '0'), tonumber(dropped or '0')
if dropped >= start then return { '0' } end
local gone
dropped, gone = drop(JOURNAL, CHANGES, dropped, start)
redis.call('HSET', HEAD, 'dropped', string.format('%.0f', dropped), 'ids', string.format('%.0f', tonumber(ids) - gone))
return { string.format('%.0f', start - dropped) }
`;
