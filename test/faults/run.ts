/**
 * `npm run test:faults`: the faults in their long form, on the real servers, and a table of what was lost, doubled or stuck.
 * KILLS=5 in the environment makes it shorter.
 */
import { startPeer } from '../lab/sipp.ts';
import { Progress } from '../lab/progress.ts';
import { SEED } from '../seed.ts';
import { closeServers } from '../store/servers.ts';
import { openFaultStage } from './stage.ts';
import { storm, stormTenant, tableText, ZEROS } from './storm.ts';

const kills = Number(process.env['KILLS'] ?? 20);
const progress = new Progress();
process.stderr.write(`The engine is killed ${kills} times under 20 calls a second, about 50 at once (seed ${SEED})\n`);
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 300 }, ip: '127.0.2.51' });
const stage = await openFaultStage(stormTenant(far), { reservation: { sliceS: 5, extendBeforeS: 2 }, calls: { deadManS: 30 } }, { daemons: 2 });
const table = await storm(stage, { kills, seed: SEED, ratePerSecond: 20, holdMs: 2500, onKill: (kill) => progress.show('killed', `${kill} of ${kills} times`) });
await stage.close();
await far.stop();
await closeServers();
process.stdout.write(`${tableText(table)}\n`);
process.exit(Object.keys(ZEROS).every((name) => table[name as keyof typeof table] === 0) ? 0 : 1);
