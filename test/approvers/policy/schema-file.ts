import { toJSONSchema } from 'zod/mini';
import { annotations, policySchema } from '../../../src/approvers/policy/schema.js';

/** The file that the package publishes, made from the schema. */
export function schemaFile(): string {
  const schema = toJSONSchema(policySchema, { metadata: annotations, io: 'input' });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
