/**
 * Transformations of numbers for devices and providers (M4 Destination Transformation). The old form is a list of rules,
 * `add`, `-cut` or `-cut+add`, joined with `|`, of which the first that matches serves; a literal plus is written `\+`.
 * The new form is `/match/replacement/flags`, a regular expression with back references. What either makes of a number
 * is made of characters that a number may have.
 */

export interface Transformation {
  /** As the operator wrote it. */
  readonly text: string;
  readonly apply: (number: string) => string;
}

/** The message is the reason, a whole sentence. */
export class TransformationError extends Error {
  override readonly name = 'TransformationError';
}

/** A compiled regular expression. Takes time in proportion to the number's length, whatever it is. */
export interface Pattern {
  readonly groups: number;
  /** `made` gets the match and its groups, '' for one that took no part. */
  replace(number: string, made: (groups: readonly string[]) => string): string;
}

export interface PatternFlags {
  readonly ignoreCase: boolean;
  /** Every match, not the first alone. */
  readonly all: boolean;
}

/** Throws TransformationError. */
export type CompilePattern = (match: string, flags: PatternFlags) => Pattern;

const MOST_CHARACTERS = 255;
const PART = /^(?:[0-9A-Za-z*#]|\\\+)*$/;

/** '' is none: null. Throws TransformationError. */
export function parseTransformation(text: string, compile: CompilePattern): Transformation | null {
  if (text === '') return null;
  if (text.length > MOST_CHARACTERS) throw new TransformationError(`a transformation has at most ${MOST_CHARACTERS} characters, not ${text.length}.`);
  return { text, apply: text.startsWith('/') ? newForm(text, compile) : oldForm(text) };
}

/** The caller may be a word such as `anonymous`; what nothing is left of is anonymous. */
export function transformSource(transformation: Transformation | null, src: string): string {
  return transformation === null ? src : transformation.apply(src) || 'anonymous';
}

interface CutAdd {
  readonly cut: string;
  readonly add: string;
}

function oldForm(text: string): (number: string) => string {
  const rules = text.split('|').map((rule) => cutAdd(rule));
  for (const [index, rule] of rules.entries()) {
    const before = rules.slice(0, index).find((one) => rule.cut.startsWith(one.cut));
    if (before !== undefined) throw new TransformationError(`rule ${index + 1} is never used: ${before.cut === '' ? 'one before it serves every number' : `one before it serves all that begins with ${before.cut}`}; put the more special rule first.`);
  }
  return (number) => {
    // A bare add serves every number, but no word: nobody meant 00anonymous.
    const rule = rules.find(({ cut }) => (cut === '' ? /^[0-9+*#]/.test(number) : number.startsWith(cut)));
    return rule === undefined ? number : rule.add + number.slice(rule.cut.length);
  };
}

function cutAdd(rule: string): CutAdd {
  if (rule === '') throw new TransformationError('a rule is empty; rules are `add`, `-cut` or `-cut+add`, joined with `|`.');
  if (!rule.startsWith('-')) return { cut: '', add: part(rule, 'to add') };
  const plus = /(?<!\\)\+/.exec(rule)?.index;
  const cut = part(rule.slice(1, plus), 'to cut');
  if (cut === '') throw new TransformationError('a rule cuts nothing; to add only, write what to add without `-`.');
  if (plus === undefined) return { cut, add: '' };
  const add = part(rule.slice(plus + 1), 'to add');
  if (add === '') throw new TransformationError('nothing stands behind the `+` of a rule; to cut only, write `-cut`.');
  return { cut, add };
}

/** A literal plus stands with a backslash. */
function part(text: string, what: string): string {
  if (!PART.test(text)) throw new TransformationError(`${JSON.stringify(text)} is nothing ${what}: digits, letters, \`*\`, \`#\`, and a plus written \`\\+\`.`);
  return text.replaceAll('\\+', '+');
}

function newForm(text: string, compile: CompilePattern): (number: string) => string {
  const pieces = text.slice(1).split(/(?<!\\)\//);
  const [match = '', replacement = '', flags = ''] = pieces;
  if (pieces.length !== 3) throw new TransformationError('the form is `/match/replacement/flags`, with three slashes.');
  if (match === '') throw new TransformationError('the match is empty; write `^` for the beginning of the number.');
  if (!/^(?:|i|g|ig|gi)$/.test(flags)) throw new TransformationError(`the flags ${JSON.stringify(flags)} are not known: \`i\` ignores case, \`g\` replaces every match.`);
  const pattern = compile(match, { ignoreCase: flags.includes('i'), all: flags.includes('g') });
  const made = replacementOf(replacement, pattern.groups);
  return (number) => pattern.replace(number, made);
}

const PIECE = /\\([0-9])|\\(\+)|([0-9A-Za-z+*#])/y;

/** Back references are `\1` to `\9`, and `\0` is all that matched. */
function replacementOf(text: string, groups: number): (found: readonly string[]) => string {
  const pieces: (string | number)[] = [];
  for (let at = 0; at < text.length; at = PIECE.lastIndex) {
    PIECE.lastIndex = at;
    const [, reference, plus, plain] = PIECE.exec(text) ?? [];
    const piece = reference === undefined ? (plus ?? plain) : Number(reference);
    if (piece === undefined) throw new TransformationError(`the replacement holds ${JSON.stringify(text.slice(at, at + 2))}, which no number has; back references are \`\\1\` to \`\\9\`.`);
    if (typeof piece === 'number' && piece > groups) throw new TransformationError(`the replacement names group ${piece}, but the match has ${groups === 0 ? 'none' : `only ${groups}`}.`);
    pieces.push(piece);
  }
  return (found) => pieces.map((piece) => (typeof piece === 'number' ? (found[piece] ?? '') : piece)).join('');
}
