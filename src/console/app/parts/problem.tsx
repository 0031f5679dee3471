import type { JSX } from 'preact';
import { useContext } from 'preact/hooks';
import { ConsoleContext } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { LateError } from '../frame/read-model.js';
import { Button } from './button.js';
import { refusalOf } from './decision-refusal.js';
import { lastingProblem, problemText } from './problem-text.js';

type Kind = 'late' | 'store' | 'offline' | 'forbidden' | 'gone' | 'busy' | 'other';

/** The HTTP status of an error of the client. `undefined`: no answer arrived, or it is another error. */
export function statusOf(error: unknown): number | undefined {
  const { status, cause } = error as { status?: unknown; cause?: { status?: unknown } };
  const found = typeof status === 'number' ? status : cause?.status;
  return typeof found === 'number' ? found : undefined;
}

function kindOf(error: unknown): Kind {
  if (error instanceof LateError) return 'late';
  const status = statusOf(error);
  if (status === undefined) return (error as Error).name === 'HttpClientError' ? 'offline' : 'other';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'gone';
  if (status === 429) return codeOf(error) === undefined ? 'busy' : 'other';
  return status >= 500 ? 'store' : 'other';
}

/** Why something could not be read or done, in words, with a way out. */
export function Problem({ error, again }: { readonly error: unknown; readonly again?: (() => void) | undefined }): JSX.Element {
  const console = useContext(ConsoleContext);
  const { stepUp } = refusalOf(error);
  if (stepUp !== undefined) {
    return (
      <div class="problem" role="alert">
        <p>{t('problem.stepUp')}</p>
        {console?.options.stepUpUrl !== undefined && <Button onPress={() => void console.stepUp(stepUp)}>{t('problem.signIn')}</Button>}
      </div>
    );
  }
  const kind = kindOf(error);
  const translation = problemText(error);
  // The words of the service say more than a kind: which limit, which rule, which lock.
  const isNamed = kind === 'other' || (kind === 'forbidden' && codeOf(error) !== undefined) || codeOf(error) === 'ERR_JIT_PARTIAL';
  const text = isNamed ? (translation ?? wordsOf(error)) : (lastingProblem(error) ?? t(`problem.${kind}.text`));
  // The approver's own words to the requester.
  const { reason } = error as { readonly reason?: unknown };
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{t(`problem.${kind}.title`)}</strong>
      </p>
      <p dir="auto">{text}</p>
      {isNamed && translation !== undefined && typeof reason === 'string' && <p dir="auto">{reason}</p>}
      {again && kind !== 'gone' && kind !== 'forbidden' && <Button onPress={again}>{t('problem.again')}</Button>}
    </div>
  );
}

/** Of values to correct, the reason alone: the page has just shown the ask. */
function wordsOf(error: unknown): string {
  const { code, reason, message } = error as Error & { code?: string; reason?: string };
  return code === 'ERR_JIT_REQUIREMENTS' && reason ? reason : message;
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
