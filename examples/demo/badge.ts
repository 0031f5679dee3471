import type { AccessStatus } from 'jit-access';

/** What a header would show beside the user's name: `read-only`, or `admin (expires 02:31:07)` in local time. */
export function badge(status: AccessStatus): string {
  const write = status.held.find(
    (grant) => grant.scope === 'db-prod:write',
  );
  return write === undefined
    ? 'read-only'
    : `admin (expires ${localTime(write.expiresAt)})`;
}

export function localTime(instant: number): string {
  return new Date(instant).toTimeString().slice(0, 8);
}

/** To the millisecond: a window ends inside a second, and of that second only a part is outside. */
export function exactTime(instant: number): string {
  return `${localTime(instant)}.${String(instant % 1_000).padStart(3, '0')}`;
}
