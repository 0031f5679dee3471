/*
 * The reads that look into more than one key, or into a key and then another: in a script nothing comes between, so
 * that what one answer holds belongs to one instant. None writes, and none walks further than its limit says: a script
 * holds up everybody else.
 *
 * A line of the index whose row is gone means that somebody else has been here. That is an error and not a shorter
 * answer: who gets an empty answer believes that nothing is there.
 */

const GONE = String.raw`
local function gone(what) return redis.error_reply('JITREFUSED ' .. what .. ' is gone from the namespace of ' .. KEYS[1]) end
`;

/**
 * Rows of one kind, by id: the open and the closed ones are two runs of lines, merged here where both are wanted.
 *
 * KEYS: rows, index
 * ARGV: how many rows, how many lines to look at, from and until of a window ('' for none), then for each run of lines:
 *   what its lines begin with, and where to begin among them
 * Reply: '1' if there is no line behind, the id of the last line looked at, the rows
 */
export const FIND_SCRIPT = String.raw`#!lua flags=no-writes
${GONE}
local limit, budget, from, till = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local runs = {}
for i = 5, #ARGV, 2 do
  local start = ARGV[i]
  local behind = '(' .. string.sub(start, 1, -2) .. '\1'
  local lines = redis.call('ZRANGE', KEYS[2], ARGV[i + 1], behind, 'BYLEX', 'LIMIT', '0', tostring(budget))
  runs[#runs + 1] = { lines = lines, at = 1, start = start }
end

-- The least id that no run has gone past; its bytes are in the order of UTF-16 code units.
local function following()
  local least, id
  for _, run in ipairs(runs) do
    local line = run.lines[run.at]
    local own = line and string.sub(line, #run.start + 1)
    if own and (not id or own < id) then least, id = run, own end
  end
  if least then least.at = least.at + 1 end
  return id, least
end

-- Rows that have both ends, and whose own window is not empty, and meets the one that was asked about.
local function meets(row)
  if not from then return true end
  local first, last = string.match(row, '^' .. string.rep('[^%z]*%z', 6) .. '([^%z]*)%z([^%z]*)%z')
  first, last = tonumber(first), tonumber(last)
  return first and last and first < last and first < till and from < last
end

local reply = { '1', '' }
for _ = 1, budget do
  local id, run = following()
  if not id then return reply end
  local kind = string.match(run.start, '^find%z([^%z]*)')
  local row = redis.call('HGET', KEYS[1], kind .. '\0' .. id)
  if not row then return gone('a row that is in the index') end
  if meets(row) then
    -- One more than wanted: it only says that there is more.
    if #reply - 2 == limit then
      reply[1] = '0'
      return reply
    end
    reply[#reply + 1] = row
  end
  reply[2] = id
end
reply[1] = '0'
return reply
`;

/**
 * Rows by (dueAt, kind, id): lines of the index from one place to another.
 *
 * KEYS: rows, index
 * ARGV: how many rows, where to begin, where to end
 * Reply: the rows
 */
export const DUE_SCRIPT = String.raw`#!lua flags=no-writes
${GONE}
local rows = {}
for i, line in ipairs(redis.call('ZRANGE', KEYS[2], ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', '0', ARGV[1])) do
  -- 'due', the instant in 16 digits, and behind them the row's own field.
  rows[i] = redis.call('HGET', KEYS[1], string.sub(line, 22))
  if not rows[i] then return gone('a row that is due') end
end
return rows
`;

/**
 * What a subject holds on every scope. On one scope it is a plain HGET.
 *
 * KEYS: rows, index
 * ARGV: what the subject's lines begin with
 * Reply: the rows
 */
export const LIVE_SCRIPT = String.raw`#!lua flags=no-writes
${GONE}
local rows = {}
local behind = '(' .. string.sub(ARGV[1], 1, -2) .. '\1'
for i, line in ipairs(redis.call('ZRANGE', KEYS[2], '[' .. ARGV[1], behind, 'BYLEX')) do
  -- Behind the subject stand the scope, which is not part of the row's field, and the field.
  rows[i] = redis.call('HGET', KEYS[1], string.match(string.sub(line, #ARGV[1] + 1), '^[^%z]*%z(.*)$'))
  if not rows[i] then return gone('a live row') end
end
return rows
`;

/**
 * A page of the journal, with both anchors of the same instant.
 *
 * KEYS: head, journal
 * ARGV: the seq to begin behind, how many entries
 * Reply: seq and hash of the head, seq and hash of the start, the entries; nothing where nothing was ever committed
 */
export const JOURNAL_SCRIPT = String.raw`#!lua flags=no-writes
${GONE}
local seq, hash, startSeq, startHash = unpack(redis.call('HMGET', KEYS[1], 'seq', 'hash', 'startSeq', 'startHash'))
if not seq then
  if redis.call('EXISTS', KEYS[2]) == 1 then return gone('the head') end
  return {}
end
local reply = { seq, hash, startSeq or '0', startHash or string.rep('0', 64) }
local first = math.max(tonumber(ARGV[1]), tonumber(reply[3])) + 1
for number = first, math.min(first + tonumber(ARGV[2]) - 1, tonumber(seq)) do
  local entry = redis.call('HGET', KEYS[2], string.format('%.0f', number))
  if not entry then return gone('an entry of the journal') end
  reply[#reply + 1] = entry
end
return reply
`;
