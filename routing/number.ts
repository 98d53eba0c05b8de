/**
 * The number a caller dialled, from hostile text to something that can be looked up.
 */
import { hangupCause } from './hangup-causes.ts';

export interface NumberRules {
  /** Letters in a dialled number: refuse the call, cut them (the documents' `clean_destination = 1`), or keep them (`= 0`). */
  readonly letters: 'refuse' | 'clean' | 'keep';
  readonly maxLength: number;
}

export type Dialled = { readonly ok: true; readonly number: string } | { readonly ok: false; readonly cause: number; readonly why: string };

/** Digits, letters, a leading +, and the keys * and #. Nothing that SIP, a dial string, SQL or a shell could read as more. */
const PLAIN = /^\+?[0-9A-Za-z*#]+$/;

/** Asterisk cuts a longer number to this: what is so long may have had another end. */
const CUT_LENGTH = 79;

function refuse(cause: number, why: string): Dialled {
  return { ok: false, cause, why };
}

/** `s` is what Asterisk makes of an INVITE without a user part. */
export function dialledNumber(raw: string, rules: NumberRules): Dialled {
  if (raw === '' || raw === 's') return refuse(336, hangupCause(336).sentence);
  if (raw.length > rules.maxLength || raw.length >= CUT_LENGTH) return refuse(207, `longer than ${Math.min(rules.maxLength, CUT_LENGTH - 1)} characters`);
  if (!PLAIN.test(raw)) return refuse(207, 'holds characters that no number has');
  if (!/[A-Za-z]/.test(raw) || rules.letters === 'keep') return { ok: true, number: raw };
  if (rules.letters === 'refuse') return refuse(207, 'holds letters');
  const cleaned = raw.replace(/[A-Za-z]/g, '');
  return cleaned === '' || cleaned === '+' ? refuse(336, 'nothing is left without its letters') : { ok: true, number: cleaned };
}

/** The caller's number as lists and CDRs use it: plain, bounded, never empty. */
export function sourceNumber(raw: string, maxLength: number): string {
  const plain = raw.replace(/[^0-9A-Za-z+*#._-]/g, '').slice(0, maxLength);
  return plain === '' ? 'anonymous' : plain;
}
