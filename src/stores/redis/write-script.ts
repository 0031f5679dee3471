import { WHOLE } from './whole-script.js';

/** The begin of {@link writing}: the checks before the first write, up to the expression that may refuse. */
const CHECKED = String.raw`${WHOLE}
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
    return refuse(key .. ' is a ' .. found .. ' instead of a ' .. expected .. '; nothing was written')
  end
end
local NEEDED = {
  { 'HSET', HEAD, 'f', 'v' }, { 'HSET', ROWS, 'f', 'v' }, { 'HDEL', ROWS, 'f' }, { 'ZADD', INDEX, '0', 'm' }, { 'ZREM', INDEX, 'm' },
  { 'HSET', LIVE, 'f', 'v' }, { 'HDEL', LIVE, 'f' }, { 'HSET', JOURNAL, 'f', 'v' }, { 'HDEL', JOURNAL, 'f' },
  { 'ZADD', CHANGES, '0', 'm' }, { 'ZREMRANGEBYSCORE', CHANGES, '-inf', '0' },
}
for _, command in ipairs(NEEDED) do
  if not redis.acl_check_cmd(unpack(command)) then
    return refuse('this user may not run ' .. command[1] .. ' on ' .. command[2] .. '; nothing was written')
  end
end

-- A namespace without a head must have no other key: after the loss of its head, a second journal would begin at seq 1.
local version, readableFrom, writableFrom, place, seq, hash, start, dropped, rows, lines, fields, ids = unpack(call('HMGET', HEAD,
  'version', 'readableFrom', 'writableFrom', 'moved', 'seq', 'hash', 'startSeq', 'dropped', 'rows', 'lines', 'fields', 'ids'))
if there[HEAD] then
  local refused = wrongLayout(HEAD, version and readableFrom and (writableFrom or readableFrom)) or `;

/** The rest of {@link writing}: what the head says, and the functions that replace rows. */
const REPLACE = String.raw`
  if refused then return refused end
  if not seq or not hash then return refuse(HEAD .. ' lacks its seq or hash; nothing was written') end
  local damaged = differs(HEAD, ROWS, 'HLEN', rows) or differs(HEAD, INDEX, 'ZCARD', lines) or differs(HEAD, LIVE, 'HLEN', fields)
    or differs(HEAD, CHANGES, 'ZCARD', ids)
    or differs(HEAD, JOURNAL, 'HLEN', string.format('%.0f', tonumber(seq) - tonumber(dropped or '0')))
  if damaged then return refuse(damaged .. '; nothing was written') end
else
  for key in pairs(TYPES) do
    if there[key] then return refuse(HEAD .. ' is missing, although ' .. key .. ' exists; nothing was written') end
  end
  seq, hash = '0', string.rep('0', 64)
end
version, readableFrom = tonumber(version), tonumber(readableFrom)
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
  if readableFrom < version then
    -- While processes of two layouts write, lists the rows that the older ones wrote: the contract rewrites them. See CONTRACT_SCRIPT.
    local line = 'older' .. COLUMN .. key
    if row and LAYOUT < version then lines = lines + call('ZADD', INDEX, '0', line) else lines = lines - call('ZREM', INDEX, line) end
  end
  if oldField == newField then return end
  if oldField then relist(oldField, key, false) end
  if newField then relist(newField, key, true) end
end
`;

/**
 * Lua at the start of the scripts that write rows. It refuses before the first write what could fail in the middle of a change,
 * reads the head, and replaces rows with everything that lists them.
 *
 * KEYS: head, rows, index, live, journal, changes
 *
 * @param refusal the Lua expression for a namespace that this script may not write to: an error, or false or nil
 */
export const writing = (refusal: string): string => `${CHECKED}${refusal}${REPLACE}`;

/*
 * Parts of these scripts without a function of Lua: each function costs every call a part of a microsecond for each variable that it
 * uses, called or not.
 */

/**
 * Before the first write of a script. Processes of every layout may use a new namespace, as they may use the others, until its contract.
 * Processes of an older layout still read and write one that this version expands.
 */
export const EXPAND = String.raw`
if not version then
  version, readableFrom = LAYOUT, 1
  call('HSET', HEAD, 'version', text(version), 'readableFrom', text(readableFrom), 'seq', text(seq), 'hash', hash)
elseif version < LAYOUT then
  version = LAYOUT
  call('HSET', HEAD, 'version', text(version))
end
`;

/** The last write of a script: what the head counts. */
export const KEEP_COUNTS = `
call('HSET', HEAD, 'dropped', text(dropped), 'rows', text(rows), 'lines', text(lines), 'fields', text(fields), 'ids', text(ids))
`;
