import { EXPAND, KEEP_COUNTS, writing } from './write-script.js';

/**
 * Adopts a part of a namespace that moves here from another store. The head marks the namespace as arriving from the first part until
 * the last one, which has the anchors.
 *
 * KEYS: head, rows, index, live, journal, changes
 * ARGV: the seq of the first entry, '' for none | seq and hash of the start and of the head, '' for none | n, n times: field, row
 *   | n, n times: id of the change, entry
 * Reply: 'adopted'; 'in use' for a namespace that is not arriving; 'gap' for entries that do not fit those that have arrived
 */
export const ADOPT_SCRIPT = String.raw`#!lua
${writing('nil')}
local first, startSeq, startHash, headSeq, headHash = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
if there[HEAD] and place ~= '' then
  -- The last part, sent again, has one effect.
  return { not place and seq > 0 and headSeq == seq and headHash == hash and 'adopted' or 'in use' }
end
local atEntries = 7 + 2 * tonumber(ARGV[6])
local added = tonumber(ARGV[atEntries])
-- The place of an entry of this part among the arguments; the id of its change is before it.
local function placeOf(number) return atEntries + 2 * (number - first + 1) end

local count = call('HLEN', JOURNAL)
local before = dropped
if count == 0 then before = startSeq or (first or 1) - 1 end
local last = before + count
local newest = added > 0 and math.max(last, first + added - 1) or last
if added > 0 and first > last + 1 then return { 'gap' } end
if newest > last then hash = string.sub(ARGV[placeOf(newest)], 1, 64)
elseif count == 0 and startSeq then hash = startHash end
if startSeq then
  local oldest = count > 0 and call('HGET', JOURNAL, text(before + 1)) or newest > before and ARGV[placeOf(before + 1)]
  local isLinked = not oldest or string.find(oldest, '"prevHash":"' .. startHash .. '"', 1, true)
  if not isLinked or before ~= startSeq or newest ~= headSeq or hash ~= headHash then return { 'gap' } end
end

seq, dropped = newest, before
${EXPAND}for i = 7, atEntries - 1, 2 do replace(ARGV[i], ARGV[i + 1]) end
for number = last + 1, newest do
  local at = placeOf(number)
  call('HSET', JOURNAL, text(number), ARGV[at])
  ids = ids + call('ZADD', CHANGES, text(number), ARGV[at - 1])
end
call('HSET', HEAD, 'moved', '', 'seq', text(seq), 'hash', hash)
if startSeq then
  call('HSET', HEAD, 'startSeq', text(startSeq), 'startHash', startHash)
  call('HDEL', HEAD, 'moved')
end
${KEEP_COUNTS}return { 'adopted' }
`;
