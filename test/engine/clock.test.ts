/** The shell's clock and timers when events are late: a busy process must not change what a call costs. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { AsteriskClock, Timers } from '../../engine/clock.ts';
import { elapsedMs } from '../../engine/call/cdr.ts';
import type { Moment } from '../../engine/call/state.ts';

/** Asterisk's clock and ours, moved by hand. */
class Clocks {
  wallMs = 1_800_000_000_000;
  monoMs = 5000;
  readonly asterisk = new AsteriskClock(() => this.monoMs);

  pass(ms: number): void {
    this.wallMs += ms;
    this.monoMs += ms;
  }

  /** An event that was on its way for so long. */
  event(onItsWayMs = 1): Moment {
    const stamp = this.wallMs;
    this.pass(onItsWayMs);
    return this.asterisk.stamp(stamp);
  }
}

t.test('an event that comes late happened when it was stamped', (t) => {
  const clocks = new Clocks();
  clocks.event();
  const answered = clocks.event();
  clocks.pass(300);
  const ended = clocks.event(1445);
  t.equal(elapsedMs(answered, ended), 301);
  t.end();
});

t.test('a late answer does not shorten the call', (t) => {
  const clocks = new Clocks();
  clocks.event();
  const answered = clocks.event(4000);
  const ended = clocks.event();
  t.equal(elapsedMs(answered, ended), 4000);
  t.end();
});

t.test('this process slept: what happened meanwhile happened when it was stamped, however late it comes', (t) => {
  const clocks = new Clocks();
  const live = (seconds: number): void => {
    for (let second = 0; second < seconds; second += 1) {
      clocks.asterisk.beat();
      clocks.pass(1000);
    }
  };
  live(30);
  const arrived = clocks.event();
  // Frozen from here on: an answer after four seconds and an end five seconds later are read after nineteen, in a crowd.
  const [answerMs, endMs] = [clocks.wallMs + 4000, clocks.wallMs + 9000];
  clocks.pass(19_000);
  clocks.asterisk.beat();
  const answered = clocks.asterisk.stamp(answerMs);
  for (let other = 0; other < 10; other += 1) clocks.asterisk.stamp(answerMs + other);
  const ended = clocks.asterisk.stamp(endMs);
  t.equal(elapsedMs(arrived, answered), 4001);
  t.equal(elapsedMs(answered, ended), 5000);
  live(30);
  const before = clocks.event();
  clocks.pass(5000);
  clocks.asterisk.beat();
  // Awake for long, a stamp as old as that is one of a clock that was set.
  clocks.wallMs -= 19_000;
  t.equal(elapsedMs(before, clocks.event()), 5001);
  t.end();
});

t.test('a clock set forward in mid-call does not lengthen it', (t) => {
  const clocks = new Clocks();
  const answered = clocks.event();
  clocks.pass(10_000);
  clocks.wallMs += 3_600_000;
  t.equal(elapsedMs(answered, clocks.event()), 10_001);
  t.end();
});

t.test('a clock set back in mid-call does not shorten it', (t) => {
  const clocks = new Clocks();
  const answered = clocks.event();
  clocks.pass(10_000);
  clocks.wallMs -= 3_600_000;
  t.equal(elapsedMs(answered, clocks.event()), 10_001);
  t.end();
});

t.test('a clock set back by seconds is noticed after some events', (t) => {
  const clocks = new Clocks();
  clocks.event();
  clocks.wallMs -= 5000;
  for (let event = 0; event < 20; event += 1) {
    clocks.pass(1000);
    clocks.event();
  }
  t.ok(Math.abs(clocks.asterisk.now().wallMs - clocks.wallMs) <= 1, 'our idea of its time is right again');
  const answered = clocks.event();
  clocks.pass(2000);
  t.equal(elapsedMs(answered, clocks.asterisk.now()), 2000);
  t.end();
});

t.test('after a late event a timer still sees the true time', (t) => {
  const clocks = new Clocks();
  clocks.event();
  const answered = clocks.event();
  clocks.pass(500);
  clocks.event(800);
  clocks.pass(700);
  t.equal(elapsedMs(answered, clocks.asterisk.now()), 2000);
  t.end();
});

async function connection(t: Test): Promise<{ near: Socket; far: Socket }> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const far = await accepted;
  t.teardown(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

t.test('what was received while the process was busy comes before a timer that fell due', async (t) => {
  const { near, far } = await connection(t);
  const timers = new Timers<'cut'>();
  const order: string[] = [];
  const both = new Promise<void>((resolve) => {
    const note = (what: string) => (): void => {
      order.push(what);
      if (order.length === 2) resolve();
    };
    near.once('data', note('received'));
    timers.set('cut', 5, note('timer'));
  });
  far.write('hung up');
  const busyUntil = performance.now() + 50;
  while (performance.now() < busyUntil);
  await both;
  t.same(order, ['received', 'timer']);
});

t.test('a timer that is called off while it waits for what was received never fires', async (t) => {
  const { near, far } = await connection(t);
  const timers = new Timers<'cut' | 'end'>();
  let fired = false;
  const ended = new Promise<void>((resolve) => {
    near.once('data', () => {
      timers.clear('cut');
      timers.set('end', 20, resolve);
    });
  });
  timers.set('cut', 5, () => {
    fired = true;
  });
  far.write('hung up');
  const busyUntil = performance.now() + 50;
  while (performance.now() < busyUntil);
  await ended;
  t.equal(fired, false);
});
