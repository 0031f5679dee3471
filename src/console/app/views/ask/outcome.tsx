import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { AccessPreview } from '../../../../explain.js';
import type { Quorum } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { quorumText } from '../../parts/approvals.js';
import { Button } from '../../parts/button.js';
import { Name, Person } from '../../parts/person.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Time } from '../../parts/time.js';
import type { Choice } from './choices.js';

type Preview = Exclude<AccessPreview, { readonly outcome: 'refused' }>;

export interface OutcomeProps {
  readonly preview: Preview;
  readonly choice: Choice;
  /** Whether it is said without a press, and takes no focus. */
  readonly isQuiet: boolean;
  /** `undefined`: another button sends it. */
  readonly onSend: (() => Promise<void>) | undefined;
}

/** What will happen, before anything is sent. After a press it has the focus, so that a screen reader begins there. */
export function Outcome({ preview, choice, isQuiet, onSend }: OutcomeProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isQuiet) heading.current?.focus();
  }, [preview]);
  const { outcome, reused } = preview;
  const canSend = onSend && !reused && (outcome === 'granted' || outcome === 'pending');
  return (
    <section class="ask-outcome">
      <h3 tabIndex={-1} ref={heading}>
        {t('ask.will')}
      </h3>
      {reused ? (
        <Reused preview={preview} />
      ) : (
        <>
          <p role="status">
            <Decision preview={preview} />
          </p>
          <AccessTerms preview={preview} choice={choice} />
          {outcome === 'denied' && preview.reason !== undefined && <p dir="auto">{preview.reason}</p>}
        </>
      )}
      {canSend && (
        <p class="actions">
          <Button kind="yes" onPress={onSend}>
            {t(outcome === 'granted' ? 'ask.send.granted' : 'ask.send')}
          </Button>
        </p>
      )}
    </section>
  );
}

/** The link to the request that the ask would only repeat. */
function Reused({ preview: { request, differs } }: Pick<OutcomeProps, 'preview'>): JSX.Element {
  const { href } = useConsole();
  return (
    <p>
      {t('ask.will.reused')} <a href={href('request', request.id)}>{t('ask.will.open')}</a>
      {differs.length > 0 && <> {t('ask.will.differs', { fields: differs.join(', ') })}</>}
    </p>
  );
}

/** What the engine would decide, in words. */
function Decision({ preview: { outcome, request } }: Pick<OutcomeProps, 'preview'>): JSX.Element {
  const { caller } = useConsole();
  const ttl = duration(request.ttlMs);
  if (outcome === 'pending') return <Text k="ask.will.pending" with={{ time: <Time at={request.reviewBy} /> }} />;
  if (outcome !== 'granted') return <>{t('ask.will.denied')}</>;
  if (request.subject === caller) return <>{t('ask.will.granted', { ttl })}</>;
  return <Text k="ask.will.granted.other" with={{ subject: <Name id={request.subject} />, ttl }} />;
}

/** The access that the ask would give: what, when and for whom, and who reviews it. */
function AccessTerms({ preview, choice }: Pick<OutcomeProps, 'preview' | 'choice'>): JSX.Element {
  const { caller } = useConsole();
  const { outcome, request } = preview;
  return (
    <dl class="ask-terms">
      <dt>{t('ask.scope')}</dt>
      <dd>
        {request.scopes.map((scope) => (
          <Scope key={scope} scope={scope} />
        ))}
      </dd>
      <dt>{t('ask.ttl')}</dt>
      <dd>
        <bdi class="ask-window">[ {duration(request.ttlMs)} )</bdi>{' '}
        {request.startsAt === undefined ? (
          t(outcome === 'granted' ? 'ask.will.now' : 'ask.will.decision')
        ) : (
          <Text k="ask.will.starts" with={{ time: <Time at={request.startsAt} /> }} />
        )}
      </dd>
      {request.subject !== caller && (
        <>
          <dt>{t('ask.subject')}</dt>
          <dd>
            <Person id={request.subject} />
          </dd>
        </>
      )}
      {outcome === 'pending' && <ReviewTerms quorum={choice.quorum} reviewers={preview.reviewers} />}
      <EarlierEnds {...request.terms} />
    </dl>
  );
}

interface ReviewTermsProps {
  readonly quorum: Quorum | undefined;
  readonly reviewers: readonly string[] | undefined;
}

/** How many reviewers must approve, and who can. */
function ReviewTerms({ quorum, reviewers }: ReviewTermsProps): JSX.Element {
  return (
    <>
      {quorum !== undefined && (
        <>
          <dt>{t('ask.will.quorum')}</dt>
          <dd>{quorumText(quorum)}</dd>
        </>
      )}
      <dt>{t('ask.will.reviewers')}</dt>
      <dd>
        <Reviewers ids={reviewers} />
      </dd>
    </>
  );
}

/** Those who can approve, by face. */
export function Reviewers({ ids }: { readonly ids: readonly string[] | undefined }): JSX.Element {
  if (ids === undefined) return <>{t('ask.reviewers.unknown')}</>;
  if (ids.length === 0) return <strong>{t('ask.reviewers.none')}</strong>;
  return (
    <ul class="ask-people">
      {ids.map((id) => (
        <li key={id}>
          <Person id={id} short />
        </li>
      ))}
    </ul>
  );
}

/** What ends the access before its window does. */
function EarlierEnds({ idleTtlMs, maxUses }: Partial<NonNullable<Preview['request']['terms']>>): JSX.Element | null {
  const texts = [
    ...(idleTtlMs === undefined ? [] : [t('ask.will.idle', { ttl: duration(idleTtlMs) })]),
    ...(maxUses === undefined ? [] : [t('ask.will.uses', { count: maxUses })]),
  ];
  if (texts.length === 0) return null;
  return (
    <>
      <dt>{t('ask.will.earlier')}</dt>
      {texts.map((text) => (
        <dd key={text}>{text}</dd>
      ))}
    </>
  );
}
