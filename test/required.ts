/** What must not be skipped where it is missing, by name: `JIT_TEST_REQUIRE=redis,chromium`. Skipping it then fails. */
const required = (process.env['JIT_TEST_REQUIRE'] ?? '').split(/[\s,]+/);

export const isRequired = (name: string): boolean => required.includes(name);
