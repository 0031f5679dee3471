import { describe, expect, it } from 'vitest';
import { definePolicy } from 'jit-access/policy';

/** The core's expression for characters that show nothing. It is made at use, and does not depend on the policy. */
const UNSHOWN = '(?! )[\\p{C}\\p{Z}\\p{DI}\\u2800]';

// A file of its own, because code that was made once is not made again.
describe('a policy', () => {
  it('L22 makes no code and no regular expression from its input, not even the first time', async () => {
    const made: unknown[] = [];
    const { Function: realFunction, RegExp: realRegExp } = globalThis;
    const counted = <T extends object>(target: T): T =>
      new Proxy(target, {
        construct: (on, args, self) => {
          made.push(args[0]);
          return Reflect.construct(on as never, args, self) as object;
        },
        apply: (on, self, args) => {
          made.push(args[0]);
          return Reflect.apply<unknown, unknown[], unknown>(on as never, self, args);
        },
      });
    try {
      Object.assign(globalThis, { Function: counted(realFunction), RegExp: counted(realRegExp) });
      const policy = definePolicy({
        groups: { dba: ['user:ana'] },
        rules: [{ id: 'a', scopes: ['db:*'], subjects: [{ like: 'user:*' }], require: { ticket: 'INC-##*' }, approve: true }],
      });
      expect(await policy.explain({ subject: 'user:maya', scope: 'db:read', ttl: '1ms', ticket: 'INC-12a' })).toMatchObject({
        outcome: 'approve',
      });
    } finally {
      Object.assign(globalThis, { Function: realFunction, RegExp: realRegExp });
    }
    expect(made.filter((text) => text !== UNSHOWN)).toEqual([]);
  });
});
