/** What is wrong with a file, where: collected, so that one run tells all of it. */
import { closest, distance } from 'fastest-levenshtein';

export interface Problem {
  readonly file: string;
  /** Counted from 1; 0: the file as a whole. */
  readonly line: number;
  /** Where in the file's structure, e.g. `users[2].credit`; '' if that says nothing. */
  readonly path: string;
  readonly reason: string;
}

export function problemText({ file, line, path, reason }: Problem): string {
  return `${file}${line > 0 ? `:${line}` : ''}: ${path === '' ? '' : `${path}: `}${reason}`;
}

/** Enough to see what is wrong; a million broken lines must not become a million texts. */
const MOST_PROBLEMS = 1000;

export class Problems {
  readonly #kept: Problem[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(problem: Problem): void {
    this.#count += 1;
    if (this.#kept.length < MOST_PROBLEMS) this.#kept.push(problem);
  }

  throwIfAny(): void {
    if (this.#count > 0) throw new ImportError(this.#kept.toSorted((a, b) => Number(a.file > b.file) - Number(a.file < b.file) || a.line - b.line), this.#count);
  }
}

/** Nothing was imported. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
  /** The first thousand. */
  readonly problems: readonly Problem[];
  readonly count: number;

  constructor(problems: readonly Problem[], count = problems.length) {
    super([...problems.map((problem) => problemText(problem)), ...(count > problems.length ? [`… and ${count - problems.length} more`] : [])].join('\n'));
    this.problems = problems;
    this.count = count;
  }
}

/** " Did you mean `x`?", or '' when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const near = closest(word.toLowerCase(), known.map((name) => name.toLowerCase()));
  const name = known.find((one) => one.toLowerCase() === near) ?? near;
  return distance(word.toLowerCase(), near) <= Math.max(2, Math.floor(word.length / 3)) ? ` Did you mean \`${name}\`?` : '';
}

/** Text of a file as a message may show it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
