/**
 * Condenses tap's output: one line a file, each failure in full, and the counts. A test is what a file declares with
 * t.test(); assertions within it are not counted one by one.
 */

/** Files stand at the margin, their tests one level in. */
const TEST_LEVEL = 4;
/** tap lists every open handle of a test that ran out of time. */
const MAX_DETAIL_LINES = 40;

export class TapSummary {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly #print: (line: string) => void;
  #failures: string[] = [];
  #inDetails = false;
  #keepDetails = false;
  #detailLines = 0;
  #testsOfFile = 0;
  #failedOfFile = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  read(line: string): void {
    const trimmed = line.trim();
    if (this.#inDetails || trimmed === '---') return this.#readDetails(line, trimmed);
    const indent = line.length - line.trimStart().length;
    const [, not, name = '', directive = ''] = /^(not )?ok \d+(?: - (.*?))?(?: # (.*))?$/.exec(trimmed) ?? [];
    if (!/^(not )?ok \d+/.test(trimmed)) {
      this.#keepDetails = false;
      return;
    }
    const failed = not !== undefined && !/^(todo|skip)/i.test(directive);
    this.#keepDetails = failed;
    if (failed) this.#failures.push(line);
    if (indent === TEST_LEVEL) this.#count(failed, directive);
    if (indent === 0) this.#endFile(failed, name, directive);
  }

  /** The closing line. */
  line(): string {
    return `tests: ${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }

  #readDetails(line: string, trimmed: string): void {
    this.#inDetails = trimmed !== '...';
    this.#detailLines = trimmed === '---' ? 0 : this.#detailLines + 1;
    const keep = this.#keepDetails && this.#detailLines <= MAX_DETAIL_LINES;
    if (keep || (this.#keepDetails && trimmed === '...')) this.#failures.push(line);
  }

  #count(failed: boolean, directive: string): void {
    this.#testsOfFile += 1;
    if (failed) {
      this.failed += 1;
      this.#failedOfFile += 1;
    } else if (/^(todo|skip)/i.test(directive)) this.skipped += 1;
    else this.passed += 1;
  }

  #endFile(failed: boolean, name: string, directive: string): void {
    const time = /time=([\d.]+)ms/.exec(directive)?.[1];
    const seconds = time === undefined ? '' : `, ${(Number(time) / 1000).toFixed(1)} s`;
    // tap says a second time, under no file's name, that a file ran out of time.
    if (!name.endsWith('.ts')) return;
    this.#print(`${failed ? 'FAILED' : 'ok    '} ${name} (${this.#testsOfFile} tests${seconds})`);
    // A file that broke off or ran out of time failed although none of its tests did.
    if (failed && this.#failedOfFile === 0) this.failed += 1;
    if (failed) this.#failures.forEach(this.#print);
    this.#failures = [];
    this.#testsOfFile = 0;
    this.#failedOfFile = 0;
  }
}
