import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AccessClient } from '../../../../client.js';
import type { AccessPreview } from '../../../../explain.js';
import { after, deviceNow } from '../../frame/clock.js';
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
  /** Whether no press has asked: it moves no focus, and marks no field. */
  readonly isQuiet?: boolean;
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
  /** Whether it would be refused, as asked without a press. */
  readonly isRefused: boolean;
  /** Whether what is said came without a press. */
  readonly isQuiet: boolean;
  readonly problems: readonly FieldProblem[];
  /** The problems by the input that shows them. Those of the empty name have no input. */
  readonly placed: ReadonlyMap<string, readonly FieldProblem[]>;
  readonly check: () => Promise<unknown>;
  readonly send: () => Promise<void>;
  /** Checks, and sends at once what is granted at once. */
  readonly take: () => Promise<void>;
}

/** The draft of a form, its dry run and its send. */
export function useAsk(choice: Choice, given: Addressed): Ask {
  const { people } = useConsole();
  const kept = useDraft(choice, given);
  const { draft, keep } = kept;
  const [answer, setAnswer] = useState<Answer>();
  const [empty, setEmpty] = useState<readonly FieldProblem[]>([]);
  const [isUnchosen, setUnchosen] = useState(false);
  // An answer about other values says nothing about these.
  const said = answer?.key === draft.key && !isUnchosen ? answer : undefined;
  const { preview, isQuiet = false } = said ?? {};
  const refusal = isQuiet ? undefined : said?.refusal;
  const problems = [...empty, ...(refusal?.problems ?? [])];
  const placed = byField(problems, [...FIELDS, ...choice.needs.fields.map(({ field }) => field)]);
  const form = useProblemFocus(problems.length > 0, [answer, empty]);

  const set = (values: Partial<AskDraft>) => {
    setEmpty([]);
    keep(changed(draft, values));
  };
  const missingOf = (): readonly FieldProblem[] => [
    ...emptyFields(choice, draft),
    ...(isUnchosen ? [{ field: 'subject', code: 'missing' as const }] : []),
  ];
  const isKnown = !isUnchosen && (draft.subject === '' || people.peek().has(draft.subject));
  const { check, sendDraft } = useCalls(kept, setAnswer, preview);
  useQuietCheck(said === undefined && isKnown && missingOf().length === 0, draft, async (client) => {
    const found = await dryRun(client, draft);
    // Without an answer, nothing is said: a press asks again.
    if (found.refusal?.isUnknown === true) return undefined;
    const next = retyped(draft, found.refusal?.problems ?? []);
    return () => (next === undefined ? setAnswer({ ...found, isQuiet: true }) : keep(next));
  });
  const checkWhole = async () => {
    const missing = missingOf();
    setEmpty(missing);
    return missing.length > 0 ? undefined : check();
  };
  return {
    form,
    draft,
    set,
    setSubject: (subject) => {
      setUnchosen(subject === undefined);
      set({ subject: subject ?? '' });
    },
    preview,
    refusal,
    isRefused: isQuiet && said?.refusal !== undefined,
    isQuiet,
    problems,
    placed,
    check: checkWhole,
    send: () => sendDraft(draft),
    take: async () => {
      const granted = await checkWhole();
      if (granted !== undefined) await sendDraft(granted);
    },
  };
}

/** The calls of a press: what will happen to the draft, and its send. */
function useCalls({ draft, keep, drop }: ReturnType<typeof useDraft>, setAnswer: (answer: Answer) => void, preview: Answer['preview']) {
  const { client, href, navigate, announce } = useConsole();
  /** @returns the draft, if its access would be granted at once */
  const check = async (): Promise<AskDraft | undefined> => {
    const first = await dryRun(client, draft);
    const next = retyped(draft, first.refusal?.problems ?? []);
    if (next !== undefined) keep(next);
    const last = next === undefined ? first : await dryRun(client, next);
    setAnswer(last);
    return last.preview?.outcome === 'granted' && !last.preview.reused ? (next ?? draft) : undefined;
  };
  const sendDraft = async (sent: AskDraft) => {
    try {
      const { request, outcome } = await client.requestAccess(askOf(sent), { idempotencyKey: sent.key });
      drop();
      announce(t(outcome === 'granted' ? 'ask.granted' : 'ask.sent'));
      navigate(href('request', request.id));
    } catch (error) {
      const failed = refusalOf(error, sent.subject.trim() !== '');
      // Without an answer, the same send stays on the page: its key makes a repeat safe.
      setAnswer({ key: sent.key, refusal: failed, ...(failed.isUnknown && preview && { preview }) });
    }
  };
  return { check, sendDraft };
}

/** How long after the last key the page asks what will happen, and the least time between two such calls. Milliseconds. */
const PAUSE_MS = 500;
const BETWEEN_MS = 2_000;

/**
 * Asks what will happen to a draft as the person stops to type.
 *
 * @param ask returns what takes the answer. It is not called if the draft has changed in the meantime
 */
function useQuietCheck(isWanted: boolean, { key }: AskDraft, ask: (client: AccessClient) => Promise<(() => void) | undefined>): void {
  const { client } = useConsole();
  const sentAt = useRef(-Infinity);
  const current = useRef<string>();
  useEffect(() => {
    current.current = isWanted ? key : undefined;
    if (!isWanted) return undefined;
    const wait = Math.max(PAUSE_MS, sentAt.current + BETWEEN_MS - deviceNow());
    return after(wait, () => {
      sentAt.current = deviceNow();
      void ask(client).then((takeAnswer) => {
        if (current.current === key) takeAnswer?.();
      });
    });
  }, [key, isWanted]);
  useEffect(
    () => () => {
      current.current = undefined;
    },
    [],
  );
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
