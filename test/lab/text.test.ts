/** What the lab reads and writes as text. */

import { test } from 'tap';
import { TapSummary } from '../tap-summary.ts';
import { changeOptions } from './asterisk-config.ts';
import { fillScenario } from './scenario.ts';
import { headerOf, parseTrace, requestUser } from './sip-message.ts';

await test('an option is changed in its own section only', async (t) => {
  const text = '[a]\nport=1\n;port=2\n[b]\nport = 3\nother=4\n';
  t.equal(changeOptions(text, { b: { port: '9' } }, 'x.conf'), '[a]\nport=1\n;port=2\n[b]\nport=9\nother=4\n');
});

await test('an option that the operator\'s file lacks is an error', async (t) => {
  t.throws(() => changeOptions('[a]\nport=1\n', { a: { host: 'h' } }, 'x.conf'), /x\.conf lacks a\/host/);
});

await test('a scenario gets its values, defaults, parts, and loses lines of empty blanks', async (t) => {
  t.equal(fillScenario('<a>\n  {{x}} {{y|2}}\n  {{headers|}}\n</a>', { x: 1 }), '<a>\n  1 2\n</a>');
  t.throws(() => fillScenario('<a>{{x}}</a>', {}), /needs a value for x/);
  const values = { to: '1', from: '2', inviteCseq: 1, nextCseq: 2 };
  t.match(fillScenario('call', values), /INVITE sip:1@/);
  t.match(fillScenario('call', { ...values, username: 'u', password: 'p' }), /\[authentication username=u password=p\]/);
});

await test('a trace is read message by message; the one still being written is left out', async (t) => {
  const line = `${'-'.repeat(47)} 2026-11-24\t07:13:57.445568\n`;
  const invite = 'INVITE sip:37%2B0@127.0.0.1:5060 SIP/2.0\r\nFrom: "Bob" <sip:1@x>;tag=1\r\nContent-Length: 0\r\n\r\n';
  const trace = [
    `${line.replace('\t', ' ')}UDP message received [${invite.length}] bytes :\n\n${invite}\n`,
    `${line.replace('\t', ' ')}UDP message sent (999 bytes):\n\nSIP/2.0 180 Ringing\r\n`,
  ].join('');
  const messages = parseTrace(trace);
  t.equal(messages.length, 1);
  const [first] = messages;
  if (first === undefined) throw new Error('no message');
  t.match(first, { direction: 'received', method: 'INVITE', status: undefined, atMicros: Date.parse('2026-11-24T07:13:57Z') * 1000 + 445_568 });
  t.equal(requestUser(first), '37%2B0');
  t.equal(headerOf(first, 'FROM'), '"Bob" <sip:1@x>;tag=1');
  t.equal(headerOf(first, 'To'), undefined);
});

const TAP_OUTPUT = `TAP version 14
# Subtest: test/a.test.ts
    # Subtest: good
        ok 1 - should be equal
        1..1
    ok 1 - good # time=1ms
    ok 2 - later # SKIP not yet
    # Subtest: bad
        not ok 1 - should be equal
          ---
          diff: 1 is not 2
          ...
        1..1
    not ok 3 - bad # time=1ms
    1..3
not ok 1 - test/a.test.ts # time=1500ms
# Subtest: test/b.test.ts
    ok 1 - fine
    1..1
ok 2 - test/b.test.ts # time=100ms
not ok 3 - test/c.test.ts # time=120000ms
  ---
  expired: test/c.test.ts
  ...
1..3`;

await test('the summary counts tests, shows failures in full, and a file that broke off as one', async (t) => {
  const lines: string[] = [];
  const summary = new TapSummary((line) => lines.push(line));
  for (const line of TAP_OUTPUT.split('\n')) summary.read(line);
  t.equal(summary.line(), 'tests: 2 passed, 2 failed, 1 skipped');
  t.equal(lines[0], 'FAILED test/a.test.ts (3 tests, 1.5 s)');
  t.ok(lines.some((line) => line.includes('diff: 1 is not 2')));
  t.ok(lines.includes('ok     test/b.test.ts (1 tests, 0.1 s)'));
  t.ok(lines.includes('FAILED test/c.test.ts (0 tests, 120.0 s)'));
});
