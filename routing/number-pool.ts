/**
 * Number pools: numbers, prefixes (`370%`) and words (`anonymous`), matched for lists.
 */

export interface NumberPool {
  readonly size: number;
  readonly exact: ReadonlySet<string>;
  readonly prefixes: ReadonlySet<string>;
  /** Lengths that occur in `prefixes`, longest first. */
  readonly lengths: readonly number[];
}

/** Why this text cannot stand in a pool, or null. A leading `+` or `#`, a `%` at the end, and words are allowed. */
export function poolNumberProblem(text: string): string | null {
  if (text.length === 0) return 'empty';
  if (text.length > 80) return 'longer than 80 characters';
  if (text === '%') return '`%` alone would match every number';
  if (/^[+#]?[0-9A-Za-z*#._-]+%?$/.test(text)) return null;
  if (text.slice(0, -1).includes('%')) return 'the `%` of a prefix stands at the end only';
  return 'holds characters that no number or word has';
}

/**
 * Words are compared without regard to case: SIP's anonymous caller comes spelled in several ways. A leading + is
 * only one way to write an E.164 number: with it nobody gets out of a list.
 */
function folded(text: string): string {
  const plain = text.startsWith('+') ? text.slice(1) : text;
  return /[A-Z]/.test(plain) ? plain.toLowerCase() : plain;
}

export function buildNumberPool(numbers: Iterable<string>): NumberPool {
  const exact = new Set<string>();
  const prefixes = new Set<string>();
  const lengths = new Set<number>();
  for (const raw of numbers) {
    const number = folded(raw);
    if (number.endsWith('%')) {
      prefixes.add(number.slice(0, -1));
      lengths.add(number.length - 1);
    } else {
      exact.add(number);
    }
  }
  return { size: exact.size + prefixes.size, exact, prefixes, lengths: [...lengths].sort((a, b) => b - a) };
}

/** The pool's entry that the number falls under, as it is compared; undefined: none. */
export function matchPool(pool: NumberPool, number: string): string | undefined {
  const text = folded(number);
  if (pool.exact.has(text)) return text;
  for (const length of pool.lengths) {
    if (length > text.length) continue;
    const prefix = text.slice(0, length);
    if (pool.prefixes.has(prefix)) return `${prefix}%`;
  }
  return undefined;
}
