/** Items of the dynamic blacklist as an operator writes them: `source:+37060000001`, `ip:2001:DB8::1`. */
import { isIP } from 'node:net';
import { scoreItem } from '../routing/score.ts';
import type { ScoreKind } from '../routing/score.ts';

/** Of a number or word; an address is looked at in full. */
const NUMBER = /^[+]?[0-9A-Za-z*#._-]{1,80}$/;

/** The shortest form, which is Asterisk's and Postgres' too. */
function shortest(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;
}

/** As it is looked up; null: it is none. */
export function readScoreItem(text: string): string | null {
  const colon = text.indexOf(':');
  const [kind, name] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  if (kind === 'ip') return isIP(name) === 0 || name.includes('%') ? null : scoreItem(kind, shortest(name));
  return isNumberKind(kind) && NUMBER.test(name) ? scoreItem(kind, name) : null;
}

function isNumberKind(kind: string): kind is Exclude<ScoreKind, 'ip'> {
  return kind === 'source' || kind === 'destination';
}
