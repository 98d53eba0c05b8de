/** A command that reads for long says so, on a terminal only. */
import { EventEmitter, once } from 'node:events';
import t from 'tap';
import { showingReading } from '../../cli/reading.ts';

class Screen {
  readonly isTTY: boolean;
  readonly written: string[] = [];
  readonly #onWrite: (text: string) => void;

  constructor(isTTY: boolean, onWrite: (text: string) => void = () => undefined) {
    this.isTTY = isTTY;
    this.#onWrite = onWrite;
  }

  write(text: string): boolean {
    this.written.push(text);
    this.#onWrite(text);
    return true;
  }
}

t.test('what takes long is told, and the line is gone afterwards', async (t) => {
  const lines = new EventEmitter();
  const line = once(lines, 'line');
  const screen = new Screen(true, (text) => lines.emit('line', text));
  const result = await showingReading(async (onReading) => {
    onReading('number pool 2 of 3');
    // The work lasts until it has been told of.
    return (await line)[0] as string;
  }, screen);
  t.match(result, /reading number pool 2 of 3, [2-9]\d* s$/);
  t.equal(screen.written.at(-1), '\r\u001B[K');
});

t.test('what is quick, or is not watched, is not told', async (t) => {
  const quick = new Screen(true);
  t.equal(await showingReading(async () => 7, quick), 7);
  const pipe = new Screen(false);
  await t.rejects(showingReading(async () => Promise.reject(new Error('away')), pipe), /away/);
  t.same([...quick.written, ...pipe.written], []);
});
