import fc from 'fast-check';

// Before the tests of each file: random values are the same in every run and on every machine. `npm run prove` uses new seeds.
fc.configureGlobal({ seed: 20261126 });
