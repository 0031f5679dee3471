/**
 * Lua that the reads and the commit begin with. It detects a damaged namespace.
 *
 * `rows` holds the records; `index` and `live` only say where they are. If a line is missing there, an answer is too short,
 * and the caller believes it: `revokeAll` would end nothing and report success. So the head counts the items of the other
 * keys. Every script compares these counts, which needs no walk, and refuses a namespace in which they differ.
 */
export const WHOLE = String.raw`
local function refuse(reason) return redis.error_reply('JITREFUSED ' .. reason) end

local function wrongLayout(head, layout)
  return head .. ' has layout ' .. (layout or 'none') .. ', but this version of the package needs layout 1'
end

-- Compares how much a key holds with what the head counts. Returns what is wrong, or nil.
local function differs(head, key, command, counted)
  local found = redis.call(command, key)
  if found == tonumber(counted or '-1') then return nil end
  return key .. ' holds ' .. found .. ' items, but ' .. head .. ' counts ' .. (counted or 'none')
    .. ': another program has changed this namespace'
end
`;
