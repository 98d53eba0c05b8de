/** `topup`: books a payment of a user. */
import type { Command } from 'commander';
import { moneyText, MoneyError, parseMoney } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';
import { topUp, TopUpError } from '../store/top-up.ts';
import type { Booked } from '../store/top-up.ts';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- topup anna 20 --reference "invoice 4711"
  npm run -s tollgate -- topup anna 20.50 --reference bank-2026-11-27-0017 --note "bank transfer" --json

A reference is booked once: sent again with the same amount it changes nothing and ends well, with another amount it is refused.`;

/** More than that is more often a slip than a payment. */
const USUAL = parseMoney('100000');

interface Options {
  readonly reference: string;
  readonly note: string;
  readonly large?: boolean;
  readonly json?: boolean;
}

export function registerTopup(program: Command, context: CliContext): void {
  program
    .command('topup <user> <amount>')
    .description('book a payment of a user, in his currency; calls that are up benefit at once')
    .requiredOption('--reference <text>', 'what it is known by: the same one is booked once')
    .option('--note <text>', 'for the ledger', '')
    .option('--large', `an amount above ${moneyText(USUAL)} is meant`)
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((user: string, amount: string, options: Options) => run(context, { user, amount, ...options }));
}

function amountOf(text: string, large: boolean): Money {
  let amount: Money;
  try {
    amount = parseMoney(text);
  } catch (error) {
    if (error instanceof MoneyError) throw new CommandError(error.message);
    throw error;
  }
  if (amount <= 0n) throw new CommandError(`A payment is above 0, not ${moneyText(amount)}. What is to be taken is an adjustment: docs/OPERATIONS.md, "Money".`);
  if (amount > USUAL && !large) throw new CommandError(`${moneyText(amount)} is more than ${moneyText(USUAL)}: say --large if it is meant.`);
  return amount;
}

function textOf(name: string, text: string): string {
  if (text.length > 200 || /\p{Cc}/u.test(text)) throw new CommandError(`${name} must be one line of at most 200 characters.`);
  return text.trim();
}

async function run(context: CliContext, { user, amount, reference, note, large, json }: Options & { readonly user: string; readonly amount: string }): Promise<void> {
  const wish = { username: user, amount: amountOf(amount, large === true), reference: textOf('--reference', reference), note: textOf('--note', note) };
  if (wish.reference === '') throw new CommandError('--reference is empty: without one a repetition would be booked again.');
  try {
    const booked = await topUp(context.settings().postgresUrl, wish);
    process.stdout.write(json === true ? `${JSON.stringify(booked)}\n` : `${shown(booked)}\n`);
  } catch (error) {
    if (error instanceof TopUpError) throw new CommandError(error.message);
    const { code, message } = error as { code?: string; message: string };
    throw code === undefined ? error : new CommandError(`Postgres could not be asked, nothing is known to be booked: ${message || code}. Send it again with the same reference.`);
  }
}

function shown({ user, amount, currency, balance, reference, fresh, at }: Booked): string {
  if (fresh) return `Booked: ${amount} ${currency} for ${user} (${reference}). The balance is ${balance} ${currency}.`;
  return `Booked already on ${at.toISOString()}: ${amount} ${currency} for ${user} (${reference}); the balance was ${balance} ${currency} then. Nothing is changed.`;
}
