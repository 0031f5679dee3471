import { formatDuration, isDuration } from '../core/duration.js';
import { readInstant } from '../core/instant.js';
import { readAcr } from '../core/acr.js';
import { invalid, readId, readOptions } from '../core/parse.js';
import type { ClockReading } from '../core/clock.js';
import type { AccessRequest, Assurance, Authentication } from '../records/index.js';
import { refused, type Refused } from './narrowing.js';

/*
 * How a reviewer must have been authenticated to approve. Values of `acr` have no order, so a quorum lists those that it accepts. The
 * age of the authentication is judged once, when the approval is given. A denial needs none: no person must sign in again to stop
 * access.
 */

/** How far the clock of the identity provider may be ahead. */
const MAX_AHEAD_MS = 60_000;

/** Reads the assurance of a quorum. @throws InvalidArgumentError */
export function readAssurance(argument: string, value: unknown): Assurance | undefined {
  if (value === undefined) return undefined;
  const { acr, maxAgeMs } = readOptions<keyof Assurance>(argument, value, ['acr', 'maxAgeMs']);
  if (acr === undefined && maxAgeMs === undefined) throw invalid(argument, 'an object with acr, maxAgeMs or both', value);
  if (maxAgeMs !== undefined && !isDuration(maxAgeMs))
    throw invalid(`${argument}.maxAgeMs`, 'a whole number of milliseconds from 1 to 1e12', maxAgeMs);
  return { acr: acr === undefined ? undefined : readAcr(`${argument}.acr`, acr), maxAgeMs };
}

/** Reads how a reviewer was authenticated. @throws InvalidArgumentError */
export function readAuthentication(argument: string, value: unknown): Authentication | undefined {
  if (value === undefined) return undefined;
  const { acr, authAt } = readOptions<keyof Authentication>(argument, value, ['acr', 'authAt']);
  if (acr === undefined && authAt === undefined) return undefined;
  return {
    acr: acr === undefined ? undefined : readId(`${argument}.acr`, acr),
    authAt: authAt === undefined ? undefined : readInstant(`${argument}.authAt`, authAt),
  };
}

/** What is missing in the authentication of a reviewer who approves. */
export function assuranceProblems(
  { quorum }: Pick<AccessRequest, 'quorum'>,
  { acr, authAt }: Partial<Authentication> = {},
  { now, forEnds }: ClockReading,
): readonly Refused[] {
  const { acr: accepted, maxAgeMs } = quorum?.assurance ?? {};
  const problems: Refused[] = [];
  const problem = (field: string, limit: number | string, got: number | string | undefined, text: string) =>
    problems.push(refused(`auth.${field}`, 'assurance', limit, got, text));
  if (accepted !== undefined && (acr === undefined || !accepted.includes(acr))) {
    const listed = accepted.join(', ');
    problem('acr', listed, acr, `an approval needs an authentication of the kind ${listed}; got ${acr ?? 'none'}`);
  }
  if (maxAgeMs === undefined) return problems;
  const needs = `an approval needs an authentication of the last ${formatDuration(maxAgeMs)}`;
  if (authAt === undefined) problem('authAt', maxAgeMs, undefined, `${needs}; got none`);
  else if (authAt > now + MAX_AHEAD_MS) problem('authAt', maxAgeMs, now - authAt, `${needs}; got one that lies in the future`);
  else if (forEnds - authAt > maxAgeMs) problem('authAt', maxAgeMs, forEnds - authAt, `${needs}; got one that is older`);
  return problems;
}
