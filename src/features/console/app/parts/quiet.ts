/** How long a row ignores keys and presses after it was drawn: they were meant for what was there before. Milliseconds. */
export const QUIET_MS = 500;
