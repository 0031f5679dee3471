import * as z from 'zod/mini';
import { InvalidArgumentError } from '../../core/errors.js';
import { invalid, isBlank, isId, readActor, readCount, readId, readText } from '../../core/parse.js';
import { MAX_HOLDERS } from '../../core/holder-limit.js';
import { RISKS } from '../../core/requestable.js';
import { readPattern, readScope } from '../../core/scope.js';
import { MAX_WARNINGS, MIN_NUMBER_MS, MIN_REMIND_EVERY_MS, readWindow, readRemindEvery, readWarnBefore } from '../../core/duration.js';
import { MAX_ITEMS, readWhen } from '../calendar/read-when.js';
import { MAX_FIELDS, readFields } from './fields.js';
import { acrSchema, calendar, metadataField } from './json-schemas.js';
import { MAX_ALTERNATIVES, MAX_STEPS } from '../../records/index.js';
import { readAcr } from '../../core/acr.js';
import { nearest } from '../../core/misspelt.js';
import { NAME_PATTERN, readName, readRuleId, RULE_ID_PATTERN } from './names.js';
import { readSelector } from './selectors.js';
import { readTicket, TICKET_PATTERN } from './ticket.js';

/** The published JSON Schema of each part. The checks themselves are the `read...` functions. */
export const annotations = z.registry<Record<string, unknown>>();

/** A part that a `read...` function checks, with its JSON Schema. */
function part(read: (argument: string, value: unknown) => unknown, annotation: Record<string, unknown>) {
  return z
    .unknown()
    .check((context) => {
      try {
        read('', context.value);
      } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error;
        const { argument, rule: message, got } = error;
        context.issues.push({ code: 'custom', input: context.value, message, params: { argument, got } });
      }
    })
    .register(annotations, annotation);
}

/** A strict object. Its error for an unknown field names the closest known field. */
function object<Shape extends z.core.$ZodLooseShape>(shape: Shape, annotation: Record<string, unknown> = {}) {
  const fields = Object.keys(shape);
  const error = ({ code, keys }: { readonly code?: string; readonly keys?: unknown }) => {
    if (code !== 'unrecognized_keys') return 'an object';
    const meant = nearest(String((keys as readonly unknown[])[0]), fields);
    return meant === undefined ? `omitted: the fields are ${fields.join(', ')}` : `omitted, or spelled ${meant}`;
  };
  return z.strictObject(shape, { error }).register(annotations, annotation);
}

const list = <Item extends z.core.SomeType>(item: Item, min: number, max: number, what = 'a list') =>
  z
    .array(item, { error: what })
    .check(z.minLength(min, { error: `a list of at least ${min}` }), z.maxLength(max, { error: `a list of at most ${max}` }));

const MAX_RULES = 1_000;
const MAX_PARTS = 1_000;
const MAX_MEMBERS = 100_000;
/** The greatest number of approvals or denials in a quorum. */
const MAX_COUNT = 1_000;

const name = () => part(readName, { type: 'string', pattern: NAME_PATTERN });
const person = part(readActor, { type: 'string', minLength: 1, maxLength: 256 });
const flag = (description: string) => z.optional(z.boolean({ error: 'true or false' }).register(annotations, { description }));
const count = (description: string) =>
  part((argument, value) => readCount(argument, value, 1, MAX_COUNT), { type: 'integer', minimum: 1, maximum: MAX_COUNT, description });
const durationText = { type: 'string', pattern: '^(?=\\d)(\\d{1,9}d)?(\\d{1,9}h)?(\\d{1,9}m)?(\\d{1,9}s)?(\\d{1,9}ms)?$' };
const durationForms = [{ type: 'integer', minimum: MIN_NUMBER_MS, maximum: 1e12 }, durationText];
const duration = (description: string) =>
  part(readWindow, { anyOf: durationForms, description: `${description} A text like '30m', '1h30m', or milliseconds.` });
const reason = (description: string) =>
  part(
    (argument, value) => {
      if (typeof value === 'string' && !isBlank(value)) readText(argument, value);
      else throw invalid(argument, 'the reason of the denial, as text that is not blank', value);
    },
    { type: 'string', minLength: 1, maxLength: 4096, description },
  );

const byId = { type: 'string', minLength: 1, maxLength: 256 };
const byField = (field: string, value: unknown) => ({
  type: 'object',
  properties: { [field]: value },
  required: [field],
  additionalProperties: false,
});
const byLike = byField('like', { type: 'string', pattern: '^[^*]*\\*[^*]*$', maxLength: 256 });
const byGroup = byField('group', { type: 'string', pattern: NAME_PATTERN });
const people = part((argument, value) => readSelector(argument, value, false), { anyOf: [byId, byLike, byGroup] });
const requester = part((argument, value) => readSelector(argument, value, true), {
  anyOf: [byId, byLike, byGroup, byField('self', { const: true })],
});

/** The regular expression of JSON Schema for the patterns that `readPattern` accepts. */
const SCOPE_PATTERN = '^(?=.{1,256}$)(([\\w.~@/+=-]+|\\*):){0,15}([\\w.~@/+=-]+|\\*\\*?)$';

/** The same for the scopes that `readScope` accepts. */
const CONCRETE_PATTERN = '^(?=.{1,256}$)([\\w.~@/+=-]+:){0,15}[\\w.~@/+=-]+$';

const head = {
  id: part(readRuleId, { type: 'string', pattern: RULE_ID_PATTERN }),
  scopes: list(part(readPattern, { type: 'string', pattern: SCOPE_PATTERN }), 1, MAX_PARTS),
  subjects: z.optional(list(people, 1, MAX_PARTS)),
  when: z.optional(
    part(readWhen, {
      anyOf: [calendar, { type: 'array', items: calendar, minItems: 1, maxItems: MAX_ITEMS }],
      description: 'When the rule holds. At other times it does not apply. Default: always.',
    }),
  ),
};
const about = {
  title: z.optional(
    part(
      (argument, value) => {
        if (!isId(value)) throw invalid(argument, 'a title: 1-256 characters on one line, without a space at either end', value);
      },
      { type: 'string', minLength: 1, maxLength: 256, description: 'The name of the access, for people.' },
    ),
  ),
  description: z.optional(
    part(
      (argument, value) => {
        if (typeof value === 'string' && !isBlank(value)) readText(argument, value);
        else throw invalid(argument, 'a text that is not blank', value);
      },
      { type: 'string', minLength: 1, maxLength: 4096, description: 'What the access is for, for people.' },
    ),
  ),
  risk: z.optional(
    z.enum(RISKS, { error: RISKS.join(', ') }).register(annotations, { description: 'How much harm the access can do, for people.' }),
  ),
};
/** The fields of a deny rule. It has no conditions: it denies every request that overlaps its scopes. */
export const DENY_FIELDS: readonly string[] = ['id', 'scopes', 'subjects', 'when', 'deny'];
const conditions = {
  requesters: z.optional(list(requester, 1, MAX_PARTS)),
  runs: flag('Whether subjects that name an agent include its runs. Default: no.'),
  minTtl: z.optional(duration('The shortest window that may be requested.')),
  require: z.optional(
    object({
      justification: flag('Whether a justification is required.'),
      ticket: z.optional(
        part(readTicket, {
          anyOf: [{ const: true }, { type: 'string', pattern: TICKET_PATTERN }],
          description: "true requires any ticket. A text is the required form, such as 'INC-####' or 'INC-*'.",
        }),
      ),
      fields: z.optional(
        part(readFields, {
          type: 'object',
          propertyNames: { pattern: NAME_PATTERN },
          additionalProperties: metadataField,
          maxProperties: MAX_FIELDS,
          description: 'The required fields of the metadata, by name.',
        }),
      ),
    }),
  ),
  patterns: flag('Whether a pattern of scopes may be granted. Default: no.'),
};
const given = {
  warnBefore: z.optional(
    part(readWarnBefore, {
      anyOf: [...durationForms, { type: 'array', items: { anyOf: durationForms }, minItems: 1, maxItems: MAX_WARNINGS, uniqueItems: true }],
      description:
        "How long before the end of the grant each warning is recorded. Milliseconds, or '30m', '1h30m', or a list of different ones.",
    }),
  ),
  idleTtl: z.optional(duration('The grant ends when it has been idle for this long.')),
  maxUses: z.optional(
    part((argument, value) => readCount(argument, value, 1), { type: 'integer', minimum: 1, description: 'How many uses a grant allows.' }),
  ),
  maxTotal: z.optional(duration('The longest time from the first start to the end of the last extension.')),
};

const needed = z.union(
  [
    count('How many of this group must approve.'),
    object({
      approvals: count('How many of this group must approve.'),
      denials: z.optional(count('How many denials in this group end the request. Default: only the total applies.')),
    }),
  ],
  { error: 'a number of approvals, or an object with approvals and denials' },
);
const groups = z.record(z.string().register(annotations, { pattern: NAME_PATTERN }), needed, {
  error: 'an object of groups and their numbers of approvals, for example { "dba": 1 }',
});
const standIn = object({ to: name(), after: duration('After how long members of that group may stand in for any of the groups.') });
const escalate = z.optional(
  z.union([standIn, list(standIn, 1, MAX_STEPS)], { error: 'an object with to and after, or a list of such objects' }),
);
const steps = z.optional(list(object({ groups, escalate }), 1, MAX_STEPS));
const oneForm = (forms: readonly string[]) => ({ oneOf: forms.map((form) => ({ required: [form] })) });
const alternative = object(
  {
    groups: z.optional(groups),
    steps,
    denials: z.optional(count('How many denials in this alternative end the request. Default: only the total applies.')),
  },
  oneForm(['groups', 'steps']),
);
const review = object(
  {
    groups: z.optional(groups),
    steps,
    anyOf: z.optional(list(alternative, 1, MAX_ALTERNATIVES)),
    denials: z.optional(count('How many denials end the request, over all groups. Default: 1.')),
    approvalTtl: z.optional(duration('How long one approval counts.')),
    reviewWithin: z.optional(duration('How long the reviewers have to decide.')),
    escalate,
    assurance: z.optional(
      object({
        acr: z.optional(part(readAcr, acrSchema)),
        maxAge: z.optional(duration('The greatest age of the authentication of a reviewer who approves.')),
      }),
    ),
    remindEvery: z.optional(
      part(readRemindEvery, {
        anyOf: [{ type: 'integer', minimum: MIN_REMIND_EVERY_MS, maximum: 1e12 }, durationText],
        description:
          "How often the reviewers are reminded while the request waits: at least 5 minutes. A text like '30m', '1h30m', or milliseconds.",
      }),
    ),
  },
  oneForm(['groups', 'steps', 'anyOf']),
);

const rule = object(
  {
    ...head,
    ...about,
    ...conditions,
    maxTtl: z.optional(duration('The longest window that may be requested.')),
    maxStartAhead: z.optional(duration('How far ahead a scheduled start may lie.')),
    maxHolders: z.optional(
      part((argument, value) => readCount(argument, value, 1, MAX_HOLDERS), {
        type: 'integer',
        minimum: 1,
        maximum: MAX_HOLDERS,
        description: 'How many subjects may hold access under this rule at a time.',
      }),
    ),
    ...given,
    approve: z.optional(z.literal(true, { error: 'true' })),
    deny: z.optional(
      reason('Denies every request that overlaps the scopes, before all other rules. The text is the reason that the requester sees.'),
    ),
    review: z.optional(review),
  },
  {
    oneOf: [{ required: ['approve'] }, { required: ['deny'] }, { required: ['review'] }],
    dependentSchemas: { deny: { propertyNames: { enum: DENY_FIELDS } } },
  },
);

const breakGlass = object({
  ...head,
  ...about,
  ...conditions,
  maxTtl: duration('The longest window of one break-glass access.'),
  ...given,
  reviewers: list(name(), 1, MAX_PARTS),
  reviewWithin: duration('How long after the start of the access its review becomes overdue.'),
  maxUnreviewed: z.optional(count('How many break-glass reviews of one subject may be pending at a time. Default: 1.')),
});

const item = object({
  scope: part(readScope, { type: 'string', pattern: CONCRETE_PATTERN }),
  ...about,
});

/** The schema of a policy file. Live groups are removed before the check. */
export const policySchema = object(
  {
    $schema: z.optional(part((argument, value) => readText(argument, value), { type: 'string' })),
    name: z.optional(part(readId, { type: 'string', minLength: 1, maxLength: 256 })),
    groups: z.optional(
      z.record(z.string().register(annotations, { pattern: NAME_PATTERN }), list(person, 0, MAX_MEMBERS, 'a list of ids'), {
        error: 'an object of lists of ids',
      }),
    ),
    rules: list(rule, 0, MAX_RULES),
    breakGlass: z.optional(list(breakGlass, 1, MAX_RULES)),
    catalogue: z.optional(list(item, 0, MAX_PARTS)),
  },
  { title: 'A policy of jit-access' },
);
