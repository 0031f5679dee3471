import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { signal } from '@preact/signals';
import { useConsole, type Console } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Problem, statusOf } from '../../parts/problem.js';
import { addressOf, patternsOf, type Question } from './question.js';

/** Whether the service has said that it compares scopes by a matcher of its own, to which a pattern means nothing. */
const hasOwnMatcher = signal(false);

/** Whether the page offers patterns: to a caller with the right for everything, unless the service has refused one. */
export const mayUsePatterns = ({ permits }: Pick<Console, 'permits'>): boolean =>
  permits('whoHadAccess') && permits('patterns') && !hasOwnMatcher.value;

const isOfPattern = (error: unknown): boolean => {
  const { code, argument } = error as { readonly code?: unknown; readonly argument?: unknown };
  return code === 'ERR_JIT_INVALID_ARGUMENT' && argument === 'pattern';
};

/** Why a question has no answer. One by a pattern leads to the question about the exact scope. */
export function QuestionProblem(props: { readonly error: unknown; readonly question: Question; readonly again: () => void }): JSX.Element {
  const { error, question, again } = props;
  const { href, navigate } = useConsole();
  const { topic } = question;
  const isRefused = 'pattern' in topic && isOfPattern(error);
  const isPattern = 'pattern' in topic && patternsOf(topic.pattern).length > 0;
  const isOfMatcher = isRefused && isPattern;
  const exact = isPattern && !topic.pattern.includes('*') ? { scope: topic.pattern } : undefined;
  const path = exact && href('history', undefined, addressOf({ ...question, topic: exact }));
  useEffect(() => {
    if (!isOfMatcher) return;
    hasOwnMatcher.value = true;
    if (path !== undefined) navigate(path, { replace: true });
  }, [isOfMatcher, path]);
  if (!isRefused && !('pattern' in topic && statusOf(error) === 403)) return <Problem error={error} again={again} />;
  return (
    <div class="problem" role="alert">
      <p>{t(isOfMatcher ? 'history.patternRefused' : isRefused ? 'history.noScope' : 'history.patternForbidden')}</p>
      {exact && (
        <p>
          <a href={path}>{t('history.askExact', { scope: exact.scope })}</a>
        </p>
      )}
    </div>
  );
}
