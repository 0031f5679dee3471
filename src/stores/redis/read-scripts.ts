/*
 * The scripts that read. Redis runs nothing else during a script, so an answer is consistent. None writes. Each reads at most
 * one page, or the live rows of one subject, because a script blocks all other clients.
 *
 * They have no flag `no-writes`, although they write nothing (L41). So Redis treats them like writes: a replica refuses
 * them, and so does a primary that has lost the replicas of `min-replicas-to-write`. A server that answers is thus a primary
 * that accepts writes. `allow-oom` lets the scripts run when memory is full.
 *
 * A line of the index without its row means that another program has written to this namespace. The script then returns an
 * error, not a shorter answer, because the caller could not detect that a row is missing.
 */

import { LAYOUT } from '../../core/layout.js';
import { MOVED, WHOLE } from './whole-script.js';

const HEADER = '#!lua flags=allow-oom\n';

/** KEYS of the scripts that read rows: head, rows, index, live. */
const ROWS_READ = String.raw`${HEADER}${WHOLE}
local HEAD, ROWS, INDEX, LIVE = unpack(KEYS)

local function gone(what) return refuse(what .. ' is missing from the namespace of ' .. HEAD) end

-- Returns why no answer may be given, as an error, or nil.
local function refusal()
  local readableFrom, rows, lines, fields = unpack(redis.call('HMGET', HEAD, 'readableFrom', 'rows', 'lines', 'fields'))
  if readableFrom ~= '${LAYOUT}' then
    if not readableFrom and redis.call('EXISTS', HEAD) == 0 then
      -- A namespace without a head has no other key either.
      if redis.call('EXISTS', ROWS, INDEX, LIVE) > 0 then return gone('the head') end
      return nil
    end
    local wrong = wrongLayout(HEAD, readableFrom)
    if wrong then return wrong end
  end
  local damaged = differs(HEAD, ROWS, 'HLEN', rows) or differs(HEAD, INDEX, 'ZCARD', lines) or differs(HEAD, LIVE, 'HLEN', fields)
  return damaged and refuse(damaged)
end

local refused = refusal()
if refused then return refused end

-- Adds the row of all open locks of the namespace, which every check needs.
local function addLock(rows)
  local lock = redis.call('HGET', ROWS, 'lock\0open')
  if lock and string.match(lock, '^lock%zopen%z[^%z]*%z1%z') then rows[#rows + 1] = lock end
  return rows
end
`;

/**
 * Reads rows by their keys.
 *
 * ARGV: the field of each row
 * Reply: each row, or an empty text for a missing one
 */
export const GET_SCRIPT = String.raw`${ROWS_READ}
local rows = {}
for i, field in ipairs(ARGV) do rows[i] = redis.call('HGET', ROWS, field) or '' end
return rows
`;

/**
 * The read of a check: the rows of a subject on one scope. LIVE lists them, and each row is read from ROWS, where a commit
 * compares it.
 *
 * ARGV: the field of LIVE
 * Reply: the rows, and the open lock row
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
 * Reads rows of one kind in an order. A run is all index lines with one prefix, and has that order. Open and closed rows are
 * two runs, which the script merges if both are wanted.
 *
 * ARGV: how many rows, how many lines to examine, from and until of a window ('' for none), the scope ('' for any), '1' to
 *   read backwards, then for each run: the prefix of its lines, and the rest of the line after which to start ('' for none)
 * Reply: '1' on the last page and '0' otherwise, the rest of the line after which the next page starts, the rows
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

-- The rest of the next line in order, and its run. A rest is 16 digits and an id, whose bytes have the order of UTF-16 code units.
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

-- Whether a row has the scope asked for, and a window with both ends that is not empty and overlaps the window asked for.
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
    -- The page is full. This extra row only shows that there is another page.
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
 * Reads rows by (dueAt, kind, id): the lines of the index between two places.
 *
 * ARGV: how many rows, where to begin, where to end
 * Reply: the rows
 */
export const DUE_SCRIPT = String.raw`${ROWS_READ}
local rows = {}
for i, line in ipairs(redis.call('ZRANGE', INDEX, ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', '0', ARGV[1])) do
  -- A line has 'due', the instant in 16 digits and, from byte 22 on, the field of the row.
  rows[i] = redis.call('HGET', ROWS, string.sub(line, 22))
  if not rows[i] then return gone('a row that is due') end
end
return rows
`;

/** The live rows of a subject on every scope, by the prefix of the subject's lines, and the open lock row. A table with `err` if one is missing. */
const LIVE_ROWS = String.raw`
local function liveRows(start)
  local rows = {}
  for i, line in ipairs(redis.call('ZRANGE', INDEX, '[' .. start, '(' .. string.sub(start, 1, -2) .. '\1', 'BYLEX')) do
    -- After the subject, a line has the scope, which is not part of the row's field, and then that field.
    rows[i] = redis.call('HGET', ROWS, string.match(string.sub(line, #start + 1), '^[^%z]*%z(.*)$'))
    if not rows[i] then return gone('a live row') end
  end
  return addLock(rows)
end
`;

/**
 * Reads the live rows of a subject on every scope.
 *
 * ARGV: the prefix of the subject's lines
 * Reply: the rows, and the open lock row
 */
export const LIVE_SCRIPT = String.raw`${ROWS_READ}${LIVE_ROWS}
return liveRows(ARGV[1])
`;

/**
 * Reads rows by their keys, the live rows of a subject, and the first open rows of a kind of a subject.
 *
 * A subject is the column of a row, or \2 and the field of the row that has it, or '' for a part that is not asked for.
 *
 * ARGV: the subject of the live rows; the kind, the subject and the number of the open rows; the field of each row, or \2 and the
 *   field of a row for the row of its subject
 * Reply: the number of live rows, the row for each key or an empty text for a missing one, the live rows, the open rows
 */
export const CONTEXT_SCRIPT = String.raw`${ROWS_READ}${LIVE_ROWS}
local function subjectIn(text)
  if string.sub(text, 1, 1) ~= '\2' then return text end
  return string.match(redis.call('HGET', ROWS, string.sub(text, 2)) or '', '^' .. string.rep('[^%z]*%z', 4) .. '([^%z]*)%z') or ''
end

local holder, kind, owner, limit = subjectIn(ARGV[1]), ARGV[2], subjectIn(ARGV[3]), ARGV[4]
local reply = { '0' }
for i = 5, #ARGV do
  local field = ARGV[i]
  if string.sub(field, 1, 1) == '\2' then
    local subject = subjectIn(field)
    -- A column has a + before the subject, so that the empty subject is not the missing one.
    field = subject ~= '' and 'subject\0' .. string.sub(subject, 2)
  end
  reply[#reply + 1] = field and redis.call('HGET', ROWS, field) or ''
end
if holder ~= '' then
  local live = liveRows('live\0' .. holder .. '\0')
  if live.err then return live end
  reply[1] = tostring(#live)
  for _, row in ipairs(live) do reply[#reply + 1] = row end
end
if owner ~= '' then
  local start = 'find\0' .. kind .. '\0001\0' .. owner .. '\0'
  local behind = '(' .. string.sub(start, 1, -2) .. '\1'
  for _, line in ipairs(redis.call('ZRANGE', INDEX, '[' .. start, behind, 'BYLEX', 'LIMIT', '0', limit)) do
    -- After the prefix, a line has the instant in 16 digits, and the id.
    local row = redis.call('HGET', ROWS, kind .. '\0' .. string.sub(line, #start + 18))
    if not row then return gone('a row that is in the index') end
    reply[#reply + 1] = row
  end
end
return reply
`;

/**
 * Reads a page of the journal, with both anchors at the same instant. Entries up to the start may still exist, because they
 * are deleted in steps; no answer contains them.
 *
 * KEYS: head, journal
 * ARGV: the seq after which to begin, how many entries
 * Reply: seq and hash of the head, seq and hash of the start, the entries; an empty list before the first commit
 */
export const JOURNAL_SCRIPT = String.raw`${HEADER}${WHOLE}
local HEAD, JOURNAL = unpack(KEYS)
local function gone(what) return refuse(what .. ' is missing from the namespace of ' .. HEAD) end
local readableFrom, place, seq, hash, startSeq, startHash, dropped =
  unpack(redis.call('HMGET', HEAD, 'readableFrom', 'moved', 'seq', 'hash', 'startSeq', 'startHash', 'dropped'))
if not readableFrom and redis.call('EXISTS', HEAD) == 0 then
  if redis.call('EXISTS', JOURNAL) == 1 then return gone('the head') end
  return {}
end
local refused = wrongLayout(HEAD, readableFrom) or ${MOVED}
if refused then return refused end
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
 * Reads the heads of many namespaces. A namespace that is damaged, has moved, or has a layout that this version may not use has an
 * empty answer and does not hide the others (L38). The read of its journal reports the reason.
 *
 * KEYS: head and journal of each namespace
 * Reply: seq and hash of each head; both are empty if the journal of the namespace would be refused
 */
export const HEADS_SCRIPT = String.raw`${HEADER}
local reply = {}
for i = 1, #KEYS, 2 do
  local readableFrom, place, seq, hash, dropped =
    unpack(redis.pcall('HMGET', KEYS[i], 'readableFrom', 'moved', 'seq', 'hash', 'dropped'))
  local entries = redis.pcall('HLEN', KEYS[i + 1])
  local isHere = (tonumber(readableFrom) or math.huge) <= ${LAYOUT} and not place
  local isWhole = isHere and seq and hash and entries == tonumber(seq) - tonumber(dropped or '0')
  if not readableFrom and redis.call('EXISTS', KEYS[i], KEYS[i + 1]) == 0 then
    isWhole, seq, hash = true, '0', string.rep('0', 64)
  end
  reply[i], reply[i + 1] = isWhole and seq or '', isWhole and hash or ''
end
return reply
`;
