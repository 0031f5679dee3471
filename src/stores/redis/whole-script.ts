/**
 * Lua at the start of the commit script and of most scripts that read. It detects a damaged namespace.
 *
 * The key `rows` holds the records; `index` and `live` only list them. If an item is missing from such a list, an answer is
 * too short, and its caller cannot know it: `revokeAll` would end nothing and report success. So the head stores the number of
 * items in each other key. A script compares these numbers, which takes constant time. It refuses a namespace in which they
 * differ.
 */
export const WHOLE = String.raw`
local function refuse(reason) return redis.error_reply('JITREFUSED ' .. reason) end

local function wrongLayout(head, layout)
  return head .. ' has layout ' .. (layout or 'none') .. ', but this version of the package needs layout 1'
end

-- Compares the number of items in a key with the number that the head stores. Returns what is wrong, or nil.
local function differs(head, key, command, counted)
  local found = redis.call(command, key)
  if found == tonumber(counted or '-1') then return nil end
  return key .. ' holds ' .. found .. ' items, but ' .. head .. ' counts ' .. (counted or 'none')
    .. ': another program has changed this namespace'
end
`;
