import { MOVED } from './whole-script.js';
import { EXPAND, KEEP_COUNTS, writing } from './write-script.js';

/** The greatest number of rows in one step of the contract. */
const STEP = 256;

/**
 * Ends the time in which processes of older layouts may use the namespace. Each call writes the rows of one step, which the
 * process has rewritten for its layout, and returns the next step. No commit overlaps a script.
 *
 * 1. Each row that existed before the expand is rewritten, in the order of the lines `find` of the index. The head stores how far
 *    this has come, beside the rows, so that another process continues it, also after a failover.
 * 2. The rows that older processes have written since are rewritten. They have lines `older`.
 * 3. When one step is left, `writableFrom` is raised, so that older processes only read. After that step, `readableFrom` is raised.
 *
 * Until then a newer layout must not add other lines to the index: the scripts of the older one would not remove them.
 *
 * KEYS: head, rows, index, live, journal, changes
 * ARGV: the last line of the step, '' for none | 3 items for each row of the step: field, row as it was read, row to write
 * Reply: 'done', 'more', or 'none' for a namespace without commits | the last line of the next step | the number of rows that were
 *   written | 2 items for each row of the next step: field, row
 */
export const CONTRACT_SCRIPT = String.raw`#!lua
${writing(MOVED)}
if not there[HEAD] then return { 'none', '', '0' } end
if readableFrom >= LAYOUT then return { 'done', '', '0' } end
-- Only the package that has expanded the namespace can rewrite its rows.
if version > LAYOUT then return refuse(HEAD .. ' has layout ' .. text(version) .. ': run the contract of that version of the package') end
${EXPAND}
if not redis.acl_check_cmd('ZRANGE', INDEX, '0', '0') then return refuse('this user may not run ZRANGE on ' .. INDEX) end

local written = 0
for i = 2, #ARGV, 3 do
  -- A row that another process has changed since is of this layout now, or has a line of its own.
  if call('HGET', ROWS, ARGV[i]) == ARGV[i + 1] then
    if ARGV[i + 1] == ARGV[i + 2] then lines = lines - call('ZREM', INDEX, 'older' .. COLUMN .. ARGV[i])
    else
      replace(ARGV[i], ARGV[i + 2])
      written = written + 1
    end
  end
end
-- The progress of a contract to another layout does not count.
local mark = text(LAYOUT) .. COLUMN
if ARGV[1] ~= '' then call('HSET', HEAD, 'contract', mark .. ARGV[1]) end
local progress = call('HGET', HEAD, 'contract') or ''
local after = string.sub(progress, 1, #mark) == mark and string.sub(progress, #mark + 1) or 'find' .. COLUMN

local reply, keys = { 'more', '', text(written) }, {}
local found = call('ZRANGE', INDEX, '(' .. after, '(find\1', 'BYLEX', 'LIMIT', '0', '${STEP}')
for _, line in ipairs(found) do
  -- Each row has one line without a subject.
  local kind, id = string.match(line, '^find%z([^%z]*)%z[^%z]*%z%z[^%z]*%z([^%z]*)$')
  if kind then keys[#keys + 1] = kind .. COLUMN .. id end
  reply[2] = line
end
if #found == 0 then
  for _, line in ipairs(call('ZRANGE', INDEX, '[older\0', '(older\1', 'BYLEX', 'LIMIT', '0', '${STEP}')) do
    keys[#keys + 1] = string.sub(line, #'older\0' + 1)
  end
  -- One step is left: from here on older processes only read, so that it is the last one however much they write.
  if #keys < ${STEP} then call('HSET', HEAD, 'writableFrom', text(LAYOUT)) end
  if #keys == 0 then
    reply[1] = 'done'
    call('HSET', HEAD, 'readableFrom', text(LAYOUT))
  end
end
${KEEP_COUNTS}for _, key in ipairs(keys) do
  reply[#reply + 1] = key
  reply[#reply + 1] = call('HGET', ROWS, key) or ''
end
return reply
`;
