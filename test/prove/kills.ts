import { KINDS, type Kind } from '../stores/durable/place.js';
import { kills } from '../stores/durable/kills.js';
import { startDurable } from '../stores/durable/servers.js';
import { scaled, type Proof } from './proof.js';

const KILLS = 200;

const killsOn = (kind: Kind): Proof => ({
  name: `kills-${kind}`,
  laws: ['L12', 'L25', 'L26', 'L32'],
  what: `Processes are killed with -9 while they work on ${kind}: nothing acknowledged is lost, and row and entry go together.`,
  async run({ seed, scale, progress }) {
    const durable = await startDurable(kind);
    try {
      const { count, acknowledged, violations } = await kills(durable, scaled(KILLS, scale), seed, progress);
      progress?.(`${acknowledged.toLocaleString('en')} transitions were acknowledged`);
      return { count, unit: 'kills', violations };
    } finally {
      await durable.stop();
    }
  },
});

export const killProofs: readonly Proof[] = KINDS.map(killsOn);
