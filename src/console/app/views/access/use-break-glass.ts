import { useState } from 'preact/hooks';
import type { Requestable } from '../../../../explain.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { useDraft } from '../../frame/use-draft.js';
import { useKey } from '../../frame/use-key.js';
import { lengthsBetween } from '../../parts/lengths.js';

export type BreakGlassForm = ReturnType<typeof useBreakGlass>;

/** The form of one break-glass item: what was typed stays until the access is taken. */
export function useBreakGlass(item: Requestable, onDone: () => void) {
  const { client, announce } = useConsole();
  const { scope: pattern, needs, minTtlMs, maxTtlMs } = item;
  const [texts, change, clear] = useDraft<Record<string, string>>(`break-glass:${pattern}`, {
    scope: pattern.includes('*') ? '' : pattern,
    justification: '',
    ticket: '',
    ...Object.fromEntries(needs.fields.map(({ field }) => [field, ''])),
  });
  const of = (name: string) => texts[name] ?? '';
  const lengths = lengthsBetween(Math.min(minTtlMs, 900_000), maxTtlMs);
  const [ttl, setTtl] = useState(lengths[0] as number);
  const [taken, setTaken] = useState(0);
  const key = useKey(texts, ttl, taken);
  const required = ['scope', 'justification', ...(needs.ticket === undefined ? [] : ['ticket']), ...needs.fields.map(({ field }) => field)];
  const isReady = required.every((name) => of(name).trim() !== '');
  const scope = of('scope').trim();
  const take = async () => {
    const ticket = of('ticket').trim();
    const metadata = Object.fromEntries(needs.fields.map(({ field }) => [field.replace(/^metadata\./, ''), of(field)]));
    const ask = {
      scope,
      ttl,
      justification: of('justification'),
      ...(ticket !== '' && { ticket }),
      ...(needs.fields.length > 0 && { metadata }),
    };
    await client.breakGlass(ask, { idempotencyKey: key });
    setTaken(taken + 1);
    clear();
    announce(t('access.doneBreakGlass'));
    onDone();
  };
  return { of, change, lengths, ttl, setTtl, isReady, scope, take };
}
