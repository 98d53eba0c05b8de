/** The end of a run, for people. */
import type { Result } from './simulation.ts';

export function tableText({ seed, days, tally, faults, differences, steps, commands, mark }: Result, seconds: number): string {
  const rows: (readonly [string, string | number])[] = [
    ['calls', tally.calls], ['answered', tally.answered], ['days', days], ['rows', tally.rows], ['admitted', tally.admitted], ['flash calls', tally.flash], ['cut by their money', tally.cuts],
    ['ends estimated', tally.estimates], ['calls lost with a daemon that stood in for Redis', tally.lostWithDaemon], ['attempts lost with the lead while Redis was away', tally.lostAttempts], ['billed short as their daemon slept', tally.sleptThrough], ['overdrawn on days on which Redis lost data', tally.overdrawnAfterLoss.toFixed(4)], ['answers that neither Redis nor the log was told', tally.unknownAnswers], ['talk that nobody paid, s', Math.round(tally.unpaidS)],
    ...Object.entries(faults),
    ['scripts', tally.scripts], ['looks at a payer', tally.checks], ['least left to a payer', tally.leastLeft], ['steps', steps], ['commands to Redis', commands], ['mark', mark.toString(16)],
    ['seconds', seconds.toFixed(1)], ['calls a second', Math.round(tally.calls / seconds)], ['seed', seed], ['differences', differences.length],
  ];
  const widest = Math.max(...rows.map(([name]) => name.length));
  return `${rows.map(([name, value]) => `${name.padEnd(widest)}  ${value}`).join('\n')}\n${differences.map((one) => `  ${one}\n`).join('')}`;
}
