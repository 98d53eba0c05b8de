/** `scores`: scores of the dynamic blacklist, looked at, set and cleared. */
import Table from 'cli-table3';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import type { Settings } from '../config/schema.ts';
import { routingSettings } from '../engine/settings-of.ts';
import { scoreOf } from '../routing/blacklist.ts';
import type { Score } from '../routing/blacklist.ts';
import type { ScoreKind } from '../routing/score.ts';
import { openLiveView } from '../store/redis/view.ts';
import type { LiveView } from '../store/redis/view.ts';
import { readScoreItem } from '../store/score-item.ts';
import { readSetScores, setScore, unsetScore } from '../store/scores.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- scores
  npm run -s tollgate -- scores source:37061234567
  npm run -s tollgate -- scores source:37061234567 --set 100
  npm run -s tollgate -- scores ip:192.0.2.10 --set 0
  npm run -s tollgate -- scores source:37061234567 --clear

A score that is set stands in place of what calls raise, until it is cleared; docs/ROUTING.md, "Dynamic blacklist".`;

interface Options {
  readonly set?: number;
  readonly clear?: boolean;
  readonly most: number;
  readonly json?: boolean;
}

interface ShownScore extends Score {
  readonly item: string;
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,7}$/.test(text) || Number(text) < least || Number(text) > most) throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
    return Number(text);
  };
}

export function registerScores(program: Command, context: CliContext): void {
  program
    .command('scores [item]')
    .description('show the highest scores of the dynamic blacklist, or the score of source:NUMBER, destination:NUMBER or ip:ADDRESS; set it or clear it')
    .addOption(new Option('--set <points>', 'its score is this, whatever it does; 0 frees it').argParser(whole(0, 1_000_000)).conflicts('clear'))
    .option('--clear', 'forget what was set and what calls have raised')
    .option('--most <count>', 'how many of the highest', whole(1, 100_000), 20)
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((item: string | undefined, options: Options) => run(context.settings(), item, options));
}

async function run(settings: Settings, asked: string | undefined, options: Options): Promise<void> {
  const item = asked === undefined ? null : readScoreItem(asked);
  if (asked !== undefined && item === null) throw new CommandError(`${JSON.stringify(asked)} is not source:NUMBER, destination:NUMBER or ip:ADDRESS.`);
  if (item === null && (options.set !== undefined || options.clear === true)) throw new CommandError('--set and --clear go with an item, such as source:37061234567.');
  const view = await openLiveView(settings.redisUrl, settings.calls.priceDecimals);
  try {
    if (item !== null && options.set !== undefined) await setScore(settings.postgresUrl, item, options.set);
    if (item !== null && options.clear === true) {
      await unsetScore(settings.postgresUrl, item);
      await view.clearScore(item, settings.blacklist);
    }
    const scores = item === null ? await highest(settings, view, options.most) : [await one(settings, view, item)];
    process.stdout.write(options.json === true ? `${JSON.stringify(scores)}\n` : shown(settings, scores));
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === '42P01') throw new CommandError('The database lacks the tables of this version: run the command migrate first.');
    throw code === undefined ? error : new CommandError(`Postgres could not be asked: ${message || code}`);
  } finally {
    await view.close();
  }
}

function scored(settings: Settings, item: string, known: { readonly scores: ReadonlyMap<string, number>; readonly set: ReadonlyMap<string, number> }): ShownScore {
  const colon = item.indexOf(':');
  return { item, ...scoreOf({ rules: routingSettings(settings).scores, ...known }, item.slice(0, colon) as ScoreKind, item.slice(colon + 1), Date.now()) };
}

async function one(settings: Settings, view: LiveView, item: string): Promise<ShownScore> {
  const [set, level] = [await readSetScores(settings.postgresUrl, 1, item), await view.score(item, settings.blacklist)];
  return scored(settings, item, { scores: new Map(level === undefined ? [] : [[item, level]]), set });
}

/** Items that are set stand among the others, in the order of what counts. */
async function highest(settings: Settings, view: LiveView, most: number): Promise<ShownScore[]> {
  const scores = await view.scores({ ...settings.blacklist, memoryItems: most });
  const set = await readSetScores(settings.postgresUrl, most);
  const all = [...new Set([...scores.keys(), ...set.keys()])].map((item) => scored(settings, item, { scores, set }));
  return all.sort((a, b) => b.points - a.points).slice(0, most);
}

function shown({ blacklist }: Settings, scores: readonly ShownScore[]): string {
  const table = new Table({ head: ['item', 'score', 'from'], style: { head: [], border: [] } });
  for (const { item, points, from } of scores) table.push([item, points, from]);
  const lines = [scores.length === 0 ? 'Nobody has a score.' : table.toString()];
  if (!blacklist.enabled) lines.push('The dynamic blacklist is off: set blacklist.enabled.');
  return `${lines.join('\n')}\n`;
}
