import { LAYOUT } from '../../core/layout.js';

/**
 * Lua at the start of the scripts that write and of most scripts that read. It refuses a namespace that this version of the
 * package may not use, and detects a damaged one.
 *
 * The key `rows` holds the records; `index` and `live` only list them. If an item is missing from such a list, an answer is
 * too short, and its caller cannot know it: `revokeAll` would end nothing and report success. So the head stores the number of
 * items in each other key. A script compares these numbers, which takes constant time. It refuses a namespace in which they
 * differ.
 */
export const WHOLE = String.raw`
local LAYOUT = ${LAYOUT}
local function refuse(reason) return redis.error_reply('JITREFUSED ' .. reason) end

-- Compares the oldest layout whose processes may use the namespace with the layout of this package. Returns an error, or nil.
-- A namespace below this layout is no error: the next commit expands it.
local function wrongLayout(head, oldest)
  if oldest == '${LAYOUT}' then return nil end
  local newest = redis.call('HGET', head, 'version')
  if not tonumber(newest) or not tonumber(oldest) then return refuse(head .. ' lacks its layout') end
  if tonumber(oldest) > LAYOUT then return redis.error_reply('JITLAYOUT ' .. newest .. ' ' .. oldest) end
end

-- Compares the number of items in a key with the number that the head stores. Returns what is wrong, or nil.
local function differs(head, key, command, counted)
  local found = redis.call(command, key)
  if found == tonumber(counted or '-1') then return nil end
  return key .. ' holds ' .. found .. ' items, but ' .. head .. ' counts ' .. (counted or 'none')
    .. ': another program has changed this namespace'
end
`;

/** The Lua expression that refuses a namespace which has moved to the `place` that its head names, or is still arriving: ''. */
export const MOVED = `(place and redis.error_reply('JITMOVED to ' .. place))`;
