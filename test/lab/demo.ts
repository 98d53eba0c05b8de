/**
 * `npm run demo`: a whole Tollgate set up as a user would do it, real calls through it, and what became of them and of
 * everybody's money, held against figures worked out by hand. Stays up to be tried; everything ends with it.
 */

import { Command } from 'commander';
import { compareBalances, rememberBalances } from './demo/balances.ts';
import { CALLS, SPIED, WARNED } from './demo/calls.ts';
import { readCdrs } from './demo/cdrs.ts';
import { spiedCall, warnedCall } from './demo/ears.ts';
import { judgeLeftOver } from './demo/left-over.ts';
import { LiveTable } from './demo/live-table.ts';
import { placeCalls } from './demo/placing.ts';
import { balanceTable, cdrTable, verdictTable } from './demo/report.ts';
import { openDemoStage, type DemoStage } from './demo/stage.ts';
import { stay } from './demo/stay.ts';
import { howToTry } from './demo/try-it.ts';
import { judgeBalance, judgeCall } from './demo/verdict.ts';

const program = new Command('npm run demo --')
  .description('Sets up an example tenant on private servers, places real SIP calls, shows their CDRs, prices and balances, and stays up to be tried.')
  .option('--once', 'end after the tables; exit code 0 only when every call did what it should')
  .addHelpText(
    'after',
    `
Postgres, Redis, Asterisk and SIPp are fetched into a cache folder the first time (about a minute). Nothing is installed,
everything listens on loopback, and all of it ends with the demo. The tenant is test/lab/demo/tenant.yaml.

Examples:
  npm run demo
  npm run demo -- --once`,
  );
const { once } = program.parse().opts<{ once?: boolean }>();

say('Real SIP calls through a real Asterisk, with a Postgres and a Redis of their own.');
try {
  const stage = await openDemoStage();
  const right = await callsAndTables(stage);
  if (once !== true) {
    say(await howToTry(stage));
    await stay(stage);
  }
  await stage.close();
  process.exit(right ? 0 : 1);
} catch (error) {
  process.stderr.write(`\nThe demo cannot go on: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function callsAndTables(on: DemoStage): Promise<boolean> {
  const { db, view, asterisk } = on;
  await rememberBalances(db);
  say('\nSeven calls:');
  const table = new LiveTable(view);
  const first = await placeCalls(CALLS, asterisk, (line) => table.say(line));
  await table.stop();
  say(`\nA warning that is heard:\n${WARNED.letter}  ${WARNED.story}`);
  const warned = await warnedCall(on);
  say(`\nAn operator on a call:\n${SPIED.letter}  ${SPIED.story}`);
  const spied = await spiedCall(on);
  const placed = [...first, warned.placed, spied.placed];
  const cdrs = await readCdrs(db, placed);

  const verdicts = [...first.map((one) => judgeCall(one, cdrs)), ...[warned, spied].flatMap((one) => [judgeCall(one.placed, cdrs), one.verdict]), await judgeLeftOver(on)];
  const balances = await compareBalances(db);
  say(`\n${verdictTable(verdicts)}`);
  say(`\nCDRs, with the price at each level:\n${cdrTable(cdrs, placed)}`);
  say(`\nBalances:\n${balanceTable(balances)}`);
  const wrong = verdicts.filter(({ ok }) => !ok).length + balances.filter((row) => !judgeBalance(row)).length;
  say(wrong === 0 ? 'Every call did what it should, and every price and balance is right to the last digit.' : `${wrong} of these are WRONG.`);
  return wrong === 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
