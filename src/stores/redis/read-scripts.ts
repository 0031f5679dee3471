/*
 * The reads: in a script nothing comes between, so that what one answer holds belongs to one instant. None writes, and
 * none walks further than its limit says: a script blocks every other client.
 *
 * They carry no flag `no-writes` although they write nothing (L41). Redis then treats them like writes: a replica refuses
 * them, and so does a primary that has lost the replicas of `min-replicas-to-write`. The server that answers has thereby
 * proved, in the same question, that it may. `allow-oom` lets them run where memory is full.
 *
 * A line of the index whose row is gone means that something else has written here. That is an error and not a shorter
 * answer: a caller that gets an empty answer believes that nothing is there.
 */

import { WHOLE } from './whole-script.js';

const HEADER = '#!lua flags=allow-oom\n';

/** KEYS of the scripts that read rows: head, rows, index, live. */
const ROWS_READ = String.raw`${HEADER}${WHOLE}
local HEAD, ROWS, INDEX, LIVE = unpack(KEYS)

local function gone(what) return refuse(what .. ' is gone from the namespace of ' .. HEAD) end

local function damage()
  local layout, rows, lines, fields = unpack(redis.call('HMGET', HEAD, 'layout', 'rows', 'lines', 'fields'))
  if not layout then
    -- A namespace has a head or nothing.
    if redis.call('EXISTS', ROWS, INDEX, LIVE) > 0 then return 'the head is gone from the namespace of ' .. HEAD end
    return nil
  end
  if layout ~= '1' then return wrongLayout(HEAD, layout) end
  return differs(HEAD, ROWS, 'HLEN', rows) or differs(HEAD, INDEX, 'ZCARD', lines) or differs(HEAD, LIVE, 'HLEN', fields)
end

local damaged = damage()
if damaged then return refuse(damaged) end

-- The open row of the namespace's locks, which every check brings along.
local function addLock(rows)
  local lock = redis.call('HGET', ROWS, 'lock\0open')
  if lock and string.match(lock, '^lock%zopen%z[^%z]*%z1%z') then rows[#rows + 1] = lock end
  return rows
end
`;

/**
 * Rows by their keys.
 *
 * ARGV: the field of each
 * Reply: each row, or an empty text where there is none
 */
export const GET_SCRIPT = String.raw`${ROWS_READ}
local rows = {}
for i, field in ipairs(ARGV) do rows[i] = redis.call('HGET', ROWS, field) or '' end
return rows
`;

/**
 * The check: what a subject holds on one scope. LIVE says which rows these are; each is read where the commit compares it.
 *
 * ARGV: the field of LIVE
 * Reply: the rows, and the open row of the locks
 */
export const LIVE_ON_SCRIPT = String.raw`${ROWS_READ}
local rows = {}
for field in string.gmatch(redis.call('HGET', LIVE, ARGV[1]) or '', '[^\2]+') do
  local row = redis.call('HGET', ROWS, field)
  if not row then return gone('a live row') end
  rows[#rows + 1] = row
end
return addLock(rows)
`;

/**
 * Rows of one kind in an order: each run of lines has it, and the open and the closed rows are two runs, merged here where
 * both are wanted.
 *
 * ARGV: how many rows, how many lines to look at, from and until of a window ('' for none), the scope ('' for any), '1' for
 *   the last line first, then for each run of lines: what its lines begin with, and behind which rest ('' for none)
 * Reply: '1' if there is no line behind, the rest of the line to go on behind, the rows
 */
export const FIND_SCRIPT = String.raw`${ROWS_READ}
local limit, budget, from, till = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local scope, backwards = ARGV[5], ARGV[6] == '1'
local runs = {}
for i = 7, #ARGV, 2 do
  local start, behind = ARGV[i], ARGV[i + 1]
  local first, last = '[' .. start, '(' .. string.sub(start, 1, -2) .. '\1'
  if behind ~= '' and backwards then last = '(' .. start .. behind
  elseif behind ~= '' then first = '(' .. start .. behind end
  local lines
  if backwards then lines = redis.call('ZRANGE', INDEX, last, first, 'BYLEX', 'REV', 'LIMIT', '0', tostring(budget))
  else lines = redis.call('ZRANGE', INDEX, first, last, 'BYLEX', 'LIMIT', '0', tostring(budget)) end
  runs[#runs + 1] = { lines = lines, at = 1, start = start }
end

-- The next rest that no run has gone past: an instant in 16 digits and an id, whose bytes are in the order of UTF-16 code units.
local function following()
  local next, rest
  for _, run in ipairs(runs) do
    local line = run.lines[run.at]
    local own = line and string.sub(line, #run.start + 1)
    if own and (not rest or (own < rest) ~= backwards) then next, rest = run, own end
  end
  if next then next.at = next.at + 1 end
  return rest, next
end

-- Rows of the scope that have both ends, and whose own window is not empty, and meets the one that was asked about.
local function isWanted(row)
  if scope ~= '' and string.match(row, '^' .. string.rep('[^%z]*%z', 5) .. '([^%z]*)%z') ~= scope then return false end
  if not from then return true end
  local first, last = string.match(row, '^' .. string.rep('[^%z]*%z', 6) .. '([^%z]*)%z([^%z]*)%z')
  first, last = tonumber(first), tonumber(last)
  return first and last and first < last and first < till and from < last
end

local reply, place = { '1', '' }, ''
for _ = 1, budget do
  local rest, run = following()
  if not rest then return reply end
  local kind = string.match(run.start, '^%a+%z([^%z]*)')
  local row = redis.call('HGET', ROWS, kind .. '\0' .. string.sub(rest, 18))
  if not row then return gone('a row that is in the index') end
  if isWanted(row) then
    -- One more than wanted: it only says that there is more.
    if #reply - 2 == limit then
      reply[1], reply[2] = '0', place
      return reply
    end
    reply[#reply + 1], place = row, rest
  end
  reply[2] = rest
end
reply[1] = '0'
return reply
`;

/**
 * Rows by (dueAt, kind, id): lines of the index from one place to another.
 *
 * ARGV: how many rows, where to begin, where to end
 * Reply: the rows
 */
export const DUE_SCRIPT = String.raw`${ROWS_READ}
local rows = {}
for i, line in ipairs(redis.call('ZRANGE', INDEX, ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', '0', ARGV[1])) do
  -- 'due', the instant in 16 digits, and behind them the row's own field.
  rows[i] = redis.call('HGET', ROWS, string.sub(line, 22))
  if not rows[i] then return gone('a row that is due') end
end
return rows
`;

/**
 * What a subject holds on every scope.
 *
 * ARGV: what the subject's lines begin with
 * Reply: the rows, and the open row of the locks
 */
export const LIVE_SCRIPT = String.raw`${ROWS_READ}
local rows = {}
local behind = '(' .. string.sub(ARGV[1], 1, -2) .. '\1'
for i, line in ipairs(redis.call('ZRANGE', INDEX, '[' .. ARGV[1], behind, 'BYLEX')) do
  -- Behind the subject stand the scope, which is not part of the row's field, and the field.
  rows[i] = redis.call('HGET', ROWS, string.match(string.sub(line, #ARGV[1] + 1), '^[^%z]*%z(.*)$'))
  if not rows[i] then return gone('a live row') end
end
return addLock(rows)
`;

/**
 * A page of the journal, with both anchors of the same instant. Entries up to the start that are still there are on their
 * way out and belong to no answer.
 *
 * KEYS: head, journal
 * ARGV: the seq to begin behind, how many entries
 * Reply: seq and hash of the head, seq and hash of the start, the entries; nothing where nothing was ever committed
 */
export const JOURNAL_SCRIPT = String.raw`${HEADER}${WHOLE}
local HEAD, JOURNAL = unpack(KEYS)
local function gone(what) return refuse(what .. ' is gone from the namespace of ' .. HEAD) end
local layout, seq, hash, startSeq, startHash, dropped =
  unpack(redis.call('HMGET', HEAD, 'layout', 'seq', 'hash', 'startSeq', 'startHash', 'dropped'))
if not layout then
  if redis.call('EXISTS', JOURNAL) == 1 then return gone('the head') end
  return {}
end
if layout ~= '1' then return refuse(wrongLayout(HEAD, layout)) end
local damaged = differs(HEAD, JOURNAL, 'HLEN', string.format('%.0f', tonumber(seq) - tonumber(dropped or '0')))
if damaged then return refuse(damaged) end
local reply = { seq, hash, startSeq or '0', startHash or string.rep('0', 64) }
local first = math.max(tonumber(ARGV[1]), tonumber(reply[3])) + 1
for number = first, math.min(first + tonumber(ARGV[2]) - 1, tonumber(seq)) do
  local entry = redis.call('HGET', JOURNAL, string.format('%.0f', number))
  if not entry then return gone('an entry of the journal') end
  reply[#reply + 1] = entry
end
return reply
`;

/**
 * The heads of many namespaces. One that is damaged has none, and hides no other's (L38); its journal says what is wrong.
 *
 * KEYS: head and journal of each namespace
 * Reply: seq and hash of each head, both empty where the namespace is damaged
 */
export const HEADS_SCRIPT = String.raw`${HEADER}
local reply = {}
for i = 1, #KEYS, 2 do
  local layout, seq, hash, dropped = unpack(redis.pcall('HMGET', KEYS[i], 'layout', 'seq', 'hash', 'dropped'))
  local entries = redis.pcall('HLEN', KEYS[i + 1])
  local isWhole = layout == '1' and seq and hash and entries == tonumber(seq) - tonumber(dropped or '0')
  if not layout and redis.call('EXISTS', KEYS[i], KEYS[i + 1]) == 0 then
    isWhole, seq, hash = true, '0', string.rep('0', 64)
  end
  reply[i], reply[i + 1] = isWhole and seq or '', isWhole and hash or ''
end
return reply
`;
