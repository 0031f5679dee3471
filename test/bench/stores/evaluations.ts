/*
 * Evaluations a second through the AuthZEN handler on each store, beside `check` of the same engine. Run by `npm run bench:stores`.
 *
 *   JIT_BENCH_ROUNDS=3              fewer rounds, for a quicker look
 *   JIT_BENCH_STORES=sqlite,redis   memory, and some of the other stores: sqlite, postgres, redis
 */
import { EVALUATION_STORES, evaluationRates, evaluationTable, type EvaluationRate } from '../measure/evaluations.js';
import { machine } from '../measure/table.js';

const chosen = process.env['JIT_BENCH_STORES']?.split(',');
const asking = EVALUATION_STORES.filter((name) => name === 'memory' || (chosen?.includes(name) ?? true));
const rates: EvaluationRate[] = [];
for (const name of asking) {
  console.error(`${name}: evaluations`);
  rates.push(...(await evaluationRates(name, Number(process.env['JIT_BENCH_ROUNDS'] ?? 11))));
}
console.log(`\nEvaluations in process, without a server\n\n${evaluationTable(rates)}\n\n${machine()}`);
