import { BOUNDARY_LAWS, boundaryOver } from './boundary.js';
import { livesOver, MODEL_LAWS } from './model.js';
import { chaos } from '../stores/durable/chaos.js';
import { clocksApart } from '../stores/durable/clocks.js';
import { struckOutside } from '../stores/durable/outside.js';
import { KINDS, openStore, type Kind } from '../stores/durable/place.js';
import { runRaces } from '../stores/durable/races.js';
import { startDurable, type Durable } from '../stores/durable/servers.js';
import { doubledSweepers } from '../stores/durable/sweepers.js';
import { viewsFollow } from '../stores/durable/views.js';
import { scaled, type Proof, type ProofOptions, type ProofResult } from './proof.js';

const PROCESSES = 8;
/** A long limit, as the proofs do not measure how soon a busy machine answers. */
export const PATIENT_MS = 60_000;

/** Every path of a check's read, in turn: without Kysely and through it. A Redis has one path. */
export async function boundaryOn(durable: Durable, full: number, options: ProofOptions): Promise<ProofResult> {
  const { place } = durable;
  const ways = await Promise.all(
    (place.kind === 'redis' ? [true] : [true, false]).map(async (straight) => ({
      name: `${place.kind}${straight ? '' : ', through Kysely'}`,
      ...(await openStore(place, { namespace: durable.namespace(), straight, timeoutMs: PATIENT_MS })),
    })),
  );
  let turn = 0;
  const next = async () => {
    const { name, store } = ways[turn++ % ways.length] as (typeof ways)[number];
    return { name, store: store.in(durable.namespace()) };
  };
  const probed = await boundaryOver(next, full, options);
  for (const { close } of ways) await close();
  return probed;
}

/** A proof that starts and stops a server, or creates a file. */
const onDurable = (
  kind: Kind,
  proof: Omit<Proof, 'run'>,
  run: (durable: Durable, options: ProofOptions) => Promise<Omit<ProofResult, 'unit'>>,
  unit: string,
): Proof => ({
  ...proof,
  name: `${proof.name}-${kind}`,
  what: `On ${kind}: ${proof.what}`,
  async run(options) {
    const durable = await startDurable(kind, { own: true });
    try {
      return { ...(await run(durable, options)), unit };
    } finally {
      await durable.stop();
    }
  },
});

/** Concurrent lives: the server works on one while another is compared. */
const LANES = 2;

const everywhere = (kind: Kind): readonly Proof[] => [
  onDurable(
    kind,
    {
      name: 'model',
      laws: MODEL_LAWS,
      what: 'random lives of the engine and of a model of the laws, side by side: they never differ.',
    },
    async (durable, options) => {
      const { store, close } = await openStore(durable.place, { namespace: durable.namespace(), timeoutMs: PATIENT_MS });
      const lived = await livesOver(() => store.in(durable.namespace()), 20_000, options, LANES);
      await close();
      return lived;
    },
    'lives',
  ),
  onDurable(
    kind,
    {
      name: 'boundary',
      laws: BOUNDARY_LAWS,
      what: 'checks, around Kysely and through it, at exactly startsAt and expiresAt and a millisecond to each side: yes from the one on, no from the other on.',
    },
    (durable, options) => boundaryOn(durable, 1_000_000, options),
    'probes',
  ),
  onDurable(
    kind,
    {
      name: 'chaos',
      laws: ['L1', 'L2', 'L8', 'L12', 'L18', 'L25', 'L26', 'L31', 'L32', 'L33', 'L45'],
      what: 'all verbs from three processes, under kills, stops, faults of the network and the disk, and set clocks; the journal alone judges each answer.',
    },
    async (durable, { seed, scale, progress }) => {
      const { count, faults, judged, violations } = await chaos(durable, scaled(400, scale), 80, seed, progress);
      const kinds = [...faults].map(([fault, times]) => `${times} ${fault}`);
      return { count, violations, notes: [`faults: ${kinds.join(', ')}`, `${judged.toLocaleString('en')} answers judged`] };
    },
    'operations',
  ),
  onDurable(
    kind,
    {
      name: 'races',
      laws: ['L8', 'L9', 'L10', 'L11', 'L12'],
      what: 'eight processes make each transition 64 at once; it is recorded once, and each process receives the outcome.',
    },
    (durable, { scale }) => runRaces(durable, PROCESSES, scaled(20, scale)),
    'races',
  ),
  onDurable(
    kind,
    {
      name: 'sweepers',
      laws: ['L8', 'L25', 'L26'],
      what: 'twenty sweepers in twenty processes begin at once over 10,000 due grants; each end is recorded once.',
    },
    (durable, { scale }) => doubledSweepers(durable, 20, scaled(10_000, scale)),
    'ends',
  ),
  onDurable(
    kind,
    {
      name: 'deliveries',
      laws: ['L12', 'L28', 'L32'],
      what: 'processes are killed or suspended while they notify people and external systems; every entry and change arrives, in order, under steady ids.',
    },
    (durable, { seed, scale, progress }) => struckOutside(durable, scaled(200, scale), seed, progress),
    'strikes',
  ),
  onDurable(
    kind,
    {
      name: 'views',
      laws: ['L12', 'L45'],
      what: 'writers are killed with -9 while three views follow; none allows a second after a revoke was acknowledged, and all answer as a check does.',
    },
    async (durable, { seed, scale, progress }) => {
      const { compared, ...followed } = await viewsFollow(durable, scaled(200, scale), seed, { byItself: true, progress });
      return { ...followed, notes: [`${compared.toLocaleString('en')} answers compared`] };
    },
    'kills',
  ),
  onDurable(
    kind,
    {
      name: 'clocks',
      laws: ['L1', 'L2', 'L6', 'L8', 'L12'],
      what: 'two processes with clocks five minutes apart run seeded lives; each uses its own clock, and an end by either holds for both.',
    },
    (durable, { seed, scale }) => clocksApart(durable, scaled(50, scale), seed),
    'steps',
  ),
];

export const durableProofs: readonly Proof[] = KINDS.flatMap(everywhere);
