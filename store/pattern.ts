/**
 * Regular expressions that no number and no expression can stall: RE2's automata, which never go back, instead of the
 * language's own, which do. Matches are POSIX's: the leftmost, then the longest.
 */
import { RE2JS, RE2JSException } from 're2js';
import { TransformationError } from '../routing/transform.ts';
import type { Pattern, PatternFlags } from '../routing/transform.ts';

/** A match takes this times the number's length at most; measured: about 1 ms for 40 digits and the worst expression. */
const MOST_INSTRUCTIONS = 500;

/** Throws TransformationError. */
export function compilePattern(match: string, { ignoreCase, all }: PatternFlags): Pattern {
  const compiled = compile(match, RE2JS.LONGEST_MATCH | (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0));
  const size = compiled.programSize();
  if (size > MOST_INSTRUCTIONS) throw new TransformationError(`the match is too large: ${size} steps of at most ${MOST_INSTRUCTIONS}; write less repetition such as {1000}.`);
  const groups = compiled.groupCount();
  return {
    groups,
    replace(number, made) {
      const replacer = (...found: readonly unknown[]): string => made(found.slice(0, groups + 1).map((text) => (typeof text === 'string' ? text : '')));
      const matcher = compiled.matcher(number);
      return all ? matcher.replaceAll(replacer) : matcher.replaceFirst(replacer);
    },
  };
}

function compile(match: string, flags: number): RE2JS {
  try {
    return RE2JS.compile(match, flags);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const reason = error.message.replace(/^error parsing regexp: /, '');
    throw new TransformationError(`the match is no regular expression of the kind that cannot stall: ${reason}.`, { cause: error });
  }
}
