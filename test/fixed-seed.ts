import fc from 'fast-check';

// Before the tests of each file: what is drawn is the same in every run and on every machine. `npm run prove` draws anew.
fc.configureGlobal({ seed: 20261126 });
