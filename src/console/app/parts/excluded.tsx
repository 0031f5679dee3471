import type { JSX } from 'preact';
import type { RequestReviewers } from '../../../client.js';
import { addMessages, t } from '../frame/messages.js';
import { excluded } from './excluded.messages.js';
import { Person } from './person.js';

addMessages(excluded);

/** The reviewers who do not count, and why. */
export function Excluded({ of }: { readonly of: NonNullable<RequestReviewers['excluded']> }): JSX.Element {
  return (
    <ul class="excluded">
      {of.map(({ reviewer, why }) => (
        <li key={reviewer}>
          <Person id={reviewer} short /> <span class="quiet">{t(`excluded.${why}`)}</span>
        </li>
      ))}
    </ul>
  );
}
