import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AccessClient } from '../../../../client.js';
import type { AccessPreview } from '../../../../explain.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import type { Choice } from './choices.js';
import { askOf, byField, changed, emptyFields, FIELDS, newDraft, readDraft, retyped, type Addressed, type AskDraft } from './draft.js';
import { refusalOf, refusedPreview, type AskRefusal, type FieldProblem } from './problems.js';

/** What the API has said about the values of one draft, which its key names. */
interface Answer {
  readonly key: string;
  readonly preview?: Exclude<AccessPreview, { readonly outcome: 'refused' }>;
  readonly refusal?: AskRefusal;
}

/** The state of a form, and what a person can do with it. */
export interface Ask {
  readonly form: RefObject<HTMLFormElement>;
  readonly draft: AskDraft;
  readonly set: (values: Partial<AskDraft>) => void;
  /** Sets for whom. `undefined`: what is typed is no choice, so nothing is asked and nothing sent. */
  readonly setSubject: (subject: string | undefined) => void;
  readonly preview: Answer['preview'] | undefined;
  readonly refusal: AskRefusal | undefined;
  readonly problems: readonly FieldProblem[];
  /** The problems by the input that shows them. Those of the empty name have no input. */
  readonly placed: ReadonlyMap<string, readonly FieldProblem[]>;
  readonly check: () => Promise<void>;
  readonly send: () => Promise<void>;
}

/** The draft of a form, its dry run and its send. */
export function useAsk(choice: Choice, given: Addressed): Ask {
  const { client, href, navigate, announce } = useConsole();
  const { draft, keep, drop } = useDraft(choice, given);
  const [answer, setAnswer] = useState<Answer>();
  const [empty, setEmpty] = useState<readonly FieldProblem[]>([]);
  const [isUnchosen, setUnchosen] = useState(false);
  // An answer about other values says nothing about these.
  const { preview, refusal } = answer?.key === draft.key && !isUnchosen ? answer : {};
  const problems = [...empty, ...(refusal?.problems ?? [])];
  const placed = byField(problems, [...FIELDS, ...choice.needs.fields.map(({ field }) => field)]);
  const form = useProblemFocus(problems.length > 0, [answer, empty]);

  const set = (values: Partial<AskDraft>) => {
    setEmpty([]);
    keep(changed(draft, values));
  };
  const setSubject = (subject: string | undefined) => {
    setUnchosen(subject === undefined);
    set({ subject: subject ?? '' });
  };
  const check = async () => {
    const missing: readonly FieldProblem[] = [
      ...emptyFields(choice, draft),
      ...(isUnchosen ? [{ field: 'subject', code: 'missing' as const }] : []),
    ];
    setEmpty(missing);
    if (missing.length > 0) return;
    const said = await dryRun(client, draft);
    const next = retyped(draft, said.refusal?.problems ?? []);
    if (next !== undefined) keep(next);
    setAnswer(next === undefined ? said : await dryRun(client, next));
  };
  const send = async () => {
    try {
      const { request, outcome } = await client.requestAccess(askOf(draft), { idempotencyKey: draft.key });
      drop();
      announce(t(outcome === 'granted' ? 'ask.granted' : 'ask.sent'));
      navigate(href('request', request.id));
    } catch (error) {
      const failed = refusalOf(error, draft.subject.trim() !== '');
      // Without an answer, the same send stays on the page: its key makes a repeat safe.
      setAnswer({ key: draft.key, refusal: failed, ...(failed.isUnknown && preview && { preview }) });
    }
  };
  return { form, draft, set, setSubject, preview, refusal, problems, placed, check, send };
}

/** The draft of a scope, kept for the time of a sign-in. */
function useDraft(choice: Choice, given: Addressed) {
  const { drafts } = useConsole();
  const name = `ask:${given.scope ?? choice.scope}`;
  const [draft, setDraft] = useState(() => readDraft(drafts.read(name)) ?? newDraft(choice, given));
  const keep = (next: AskDraft) => {
    setDraft(next);
    drafts.write(name, next);
  };
  return { draft, keep, drop: () => drafts.write(name, undefined) };
}

/** Gives the focus to the first wrong input of a form, each time that one of `said` changes. */
function useProblemFocus(hasProblems: boolean, said: readonly unknown[]): RefObject<HTMLFormElement> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (!hasProblems) return;
    // A problem may belong to a field that is folded away.
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    const more = wrong?.closest('details');
    if (more) more.open = true;
    wrong?.focus();
  }, said);
  return form;
}

/** What the API says about a draft, without a request. */
async function dryRun(client: AccessClient, draft: AskDraft): Promise<Answer> {
  const { key } = draft;
  try {
    const said = await client.requestAccess({ ...askOf(draft), dryRun: true });
    return said.outcome === 'refused' ? { key, refusal: refusedPreview(said) } : { key, preview: said };
  } catch (error) {
    return { key, refusal: refusalOf(error, draft.subject.trim() !== '') };
  }
}
