/** One step at a time on stderr, so that a long one never looks hung: a rewritten line on a terminal, else a line now and then. */

const LINE_EVERY_MS = 10_000;

export class Progress {
  #step = '';
  #lastLineAt = 0;
  #beat: NodeJS.Timeout | undefined;

  /** Shows the step as it moves; `detail` is how far it is. */
  show(step: string, detail = ''): void {
    const begun = step !== this.#step;
    const line = detail === '' ? `  ${step} ...` : `  ${step}: ${detail}`;
    const now = performance.now();
    if (process.stderr.isTTY) {
      process.stderr.write(`${begun && this.#step !== '' ? '\n' : ''}\r\u001B[K${line}`);
    } else if (begun || now - this.#lastLineAt >= LINE_EVERY_MS) {
      process.stderr.write(`${line}\n`);
      this.#lastLineAt = now;
    }
    this.#step = step;
  }

  /** For steps that cannot tell how far they are: the seconds gone by, until the promise settles. */
  async during<T>(step: string, work: Promise<T>): Promise<T> {
    const started = performance.now();
    this.show(step);
    this.#beat = setInterval(() => this.show(step, `${Math.round((performance.now() - started) / 1000)} s`), 2000);
    try {
      return await work;
    } finally {
      clearInterval(this.#beat);
    }
  }

  /** A lasting line of output between the moving ones. */
  print(line: string): void {
    if (process.stderr.isTTY && this.#step !== '') process.stderr.write('\r\u001B[K');
    process.stdout.write(`${line}\n`);
  }

  done(line: string): void {
    process.stderr.write(`${process.stderr.isTTY && this.#step !== '' ? '\n' : ''}${line}\n`);
    this.#step = '';
  }
}
