/** The product broken on purpose, to see that the auditor finds it. */
import type { Sabotage } from './redis.ts';

/** What a script says, and what it says instead. */
const SCRIPTS = {
  /** Money is granted and not put on hold. */
  hold: ['admit', 'purse.reserved = plus(purse.reserved, grant)', 'purse.reserved = purse.reserved'],
  /** The end of a call gives its places back, and is not told to the settler. */
  row: ['finish', 'if #ARGV > 4 then', 'if false then'],
  /** A place is kept after the end. */
  place: ['finish', "(held[1] or '') .. ' ' .. (held[2] or '')", "held[1] or ''"],
  /** What is owed is not remembered until it is settled. */
  owed: ['finish', "text(plus(money(now[2] or '0'), owes[user]))", "text(money(now[2] or '0'))"],
} as const;

/** `booking`: the settler books a debit twice now and then. */
export type SabotageName = keyof typeof SCRIPTS | 'booking' | 'none';

export function sabotageOf(name: SabotageName): Sabotage {
  return (script, lua) => {
    if (name === 'booking' || name === 'none') return lua;
    const [file, says, instead] = SCRIPTS[name];
    if (script !== file) return lua;
    if (!lua.includes(says)) throw new Error(`${file}.lua does not say ${says} any more.`);
    return lua.replace(says, instead);
  };
}
