import { MOVED } from './whole-script.js';
import { EXPAND, KEEP_COUNTS, writing } from './write-script.js';

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
 *   id | seq and hash of an entry that its caller knows, seq 0: none | the layout that it needs | n, n times: field, version
 *   | n, n times: field | n, n times: field, row | n, n times: entry
 *   | seq and hash that its entries were linked to | hash of the last entry | the seq to trim to, 0: none
 * Reply: seq and hash of the head, then for each change 'committed', 'conflict', 'behind', 'moved', 'beyond', 'recreated',
 *   'malformed', or 'unreadable' with both numbers of the layout
 */
const COMMIT = String.raw`${writing(MOVED)}${DROP}
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
  local id, knownSeq, knownHash, needs = take(), tonumber(take()), take(), tonumber(take())
  local expect, remove, put, append = takeList(2), takeList(1), takeList(2), takeList(1)
  local baseSeq, baseHash, lastHash, trimTo = take(), take(), take(), tonumber(take())
  -- Comes before every comparison: a change sent again after a lost reply would conflict with its own writes, or with later ones.
  if call('ZSCORE', CHANGES, id) then
    -- Writes a value that is there already: WAIT covers only the writes of its own connection, and this connection may be new.
    call('HSET', HEAD, 'seq', text(seq))
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
  -- Processes of older layouts may use the namespace, and could not read what the change writes.
  if needs > (readableFrom or 1) then
    return table.concat({ 'unreadable', text(math.max(version or 0, LAYOUT)), text(readableFrom or 1) }, ' ')
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

${EXPAND}  for _, key in ipairs(remove) do replace(key) end
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
if hasWritten then ${KEEP_COUNTS} end
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
