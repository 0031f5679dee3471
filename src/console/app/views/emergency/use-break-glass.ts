import { useState } from 'preact/hooks';
import type { Requestable } from '../../../../explain.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { useDraft } from '../../frame/use-draft.js';
import { useKey } from '../../frame/use-key.js';
import { lengthsBetween } from '../../parts/lengths.js';

export type BreakGlassForm = ReturnType<typeof useBreakGlass>;

/** The form for one scope in an emergency: what was typed stays until the access is taken. */
export function useBreakGlass(scope: string, { needs, minTtlMs, maxTtlMs }: Requestable, onDone: () => void) {
  const { client, announce, href, navigate } = useConsole();
  const fields = needs.fields.map(({ field }) => field);
  const [texts, change, clear] = useDraft<Record<string, string>>('break-glass', {
    justification: '',
    ticket: '',
    ...Object.fromEntries(fields.map((field) => [field, ''])),
  });
  const of = (name: string) => texts[name] ?? '';
  const lengths = lengthsBetween(Math.min(minTtlMs, 900_000), maxTtlMs);
  const [ttl, setTtl] = useState(lengths[0] as number);
  const key = useKey(scope, texts, ttl);
  const required = ['justification', ...(needs.ticket === undefined ? [] : ['ticket']), ...fields];
  const isReady = required.every((name) => of(name).trim() !== '');
  const take = async () => {
    const ticket = of('ticket').trim();
    const metadata = Object.fromEntries(fields.map((field) => [field.replace(/^metadata\./, ''), of(field)]));
    const ask = {
      scope,
      ttl,
      justification: of('justification'),
      ...(ticket !== '' && { ticket }),
      ...(fields.length > 0 && { metadata }),
    };
    const { request } = await client.breakGlass(ask, { idempotencyKey: key });
    clear();
    announce(t('emergency.done'));
    onDone();
    navigate(href('request', request.id));
  };
  return { of, change, lengths, ttl, setTtl, isReady, take };
}
