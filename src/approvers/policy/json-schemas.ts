import { DATE_PATTERN, TIME_PATTERN, WEEKDAYS } from '../calendar/read-when.js';
import { MAX_ACR } from '../../core/acr.js';
import { MAX_LENGTH, MAX_VALUES, TYPES } from './fields.js';
import { TICKET_PATTERN } from './ticket.js';

/* The JSON Schema of parts that only a `read...` function checks. */

const time = (description: string) => ({ type: 'string', pattern: TIME_PATTERN, description });
const date = (description: string) => ({ type: 'string', pattern: DATE_PATTERN, description });
/** Hours and dates of a rule. */
export const calendar = {
  type: 'object',
  properties: {
    days: { type: 'array', items: { enum: WEEKDAYS }, minItems: 1, maxItems: WEEKDAYS.length, uniqueItems: true },
    from: time("The time of the day from which the rule holds. Default: '00:00'."),
    to: time("The time until which it holds, not included. Before `from`: on the next day. Default: '24:00'."),
    firstDay: date('The first date.'),
    lastDay: date('The last date, included.'),
    timeZone: { type: 'string', maxLength: 64, description: "A time zone of the IANA database, such as 'Europe/Berlin'." },
  },
  required: ['timeZone'],
  minProperties: 2,
  additionalProperties: false,
};

const length = { type: 'integer', minimum: 1, maximum: MAX_LENGTH };
/** A required field of the metadata. */
export const metadataField = {
  type: 'object',
  properties: {
    type: { enum: TYPES, description: "Default: 'text'." },
    optional: { type: 'boolean', description: 'Whether the field may be absent. Default: no.' },
    oneOf: {
      type: 'array',
      items: { anyOf: [{ type: 'string' }, { type: 'number' }] },
      minItems: 1,
      maxItems: MAX_VALUES,
      uniqueItems: true,
    },
    form: { type: 'string', pattern: TICKET_PATTERN, description: "The form of a text, such as 'CHG-####' or 'CHG-*'." },
    minLength: length,
    maxLength: length,
  },
  additionalProperties: false,
};

/** The accepted authentication contexts of reviewers. */
export const acrSchema = {
  type: 'array',
  items: { type: 'string', minLength: 1, maxLength: 256 },
  minItems: 1,
  maxItems: MAX_ACR,
  uniqueItems: true,
  description: 'The accepted values of the claim acr of a reviewer who approves. Default: any.',
};
