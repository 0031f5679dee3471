import { toJSONSchema } from 'zod/mini';
import { annotations, policySchema } from '../../../src/approvers/policy/schema.js';

/** The file that the package publishes, as the schema says that it should be. */
export function schemaFile(): string {
  const schema = toJSONSchema(policySchema, { metadata: annotations, io: 'input' });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
