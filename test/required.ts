/** What must not be left out where it is missing, by name: `JIT_TEST_REQUIRE=redis,chromium`. There, leaving it out fails. */
const required = (process.env['JIT_TEST_REQUIRE'] ?? '').split(/[\s,]+/);

export const isRequired = (name: string): boolean => required.includes(name);
