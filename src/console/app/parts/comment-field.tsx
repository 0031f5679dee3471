import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import { isText } from '../frame/shape.js';
import { useKey } from '../frame/use-key.js';
import { Button } from './button.js';
import { commentField } from './comment-field.messages.js';
import { TextField } from './field.js';
import { Problem } from './problem.js';

addMessages(commentField);

export interface CommentFieldProps {
  readonly requestId: string;
  /** Called after an answer, also after a refusal. */
  readonly onDone?: (() => void) | undefined;
}

/** A field for a comment on a pending request. What was typed stays until it is sent. */
export function CommentField({ requestId, onDone }: CommentFieldProps): JSX.Element {
  const { announce, client, drafts } = useConsole();
  const name = `comment:${requestId}`;
  const [text, setText] = useState(() => {
    const kept = drafts.read(name);
    return isText(kept) ? kept : '';
  });
  const [error, setError] = useState<unknown>();
  const key = useKey(text);
  const change = (next: string) => {
    setText(next);
    drafts.write(name, next === '' ? undefined : next);
  };
  const send = async () => {
    setError(undefined);
    try {
      await client.comment(requestId, { text: text.trim() }, { idempotencyKey: key });
      change('');
      announce(t('comment.sent'));
    } catch (failure) {
      setError(failure);
    }
    onDone?.();
  };
  return (
    <div class="form">
      <TextField label={t('comment.label')} hint={t('comment.hint')} lines={2} value={text} onValue={change} />
      {error !== undefined && <Problem error={error} />}
      <p class="actions">
        <Button small disabled={text.trim() === ''} onPress={send}>
          {t('comment.send')}
        </Button>
      </p>
    </div>
  );
}
