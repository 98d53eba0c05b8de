/**
 * Warning balance: whoever wants to be told hears before every call that his balance is below what he chose. A call to one of
 * our DIDs has no prompt: it is paid from its arrival, and a prompt is never paid.
 */
import { moneyText } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';
import type { User } from './catalog.ts';
import type { Explain } from './explain.ts';
import type { Plan } from './plan.ts';

interface Context {
  readonly balanceOf?: ((userId: number) => Money | undefined) | undefined;
  readonly explain: Explain;
}

export function lowBalance({ balanceOf, explain }: Context, { id, warningPrompt, language }: User): Pick<Plan, 'announcement'> {
  if (warningPrompt === null) return {};
  const { below, file } = warningPrompt;
  const balance = balanceOf?.(id);
  if (balance === undefined) {
    explain?.({ check: 'warning balance', outcome: 'skipped', detail: 'his balance is not known' });
    return {};
  }
  const low = balance < below;
  explain?.({ check: 'warning balance', outcome: low ? 'chosen' : 'passed', detail: `balance ${moneyText(balance)}, below ${moneyText(below)} he hears ${file} first` });
  return low ? { announcement: { file, language } } : {};
}
