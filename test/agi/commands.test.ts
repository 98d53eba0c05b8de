/** Commands: nothing in a value ends it, and no answer is taken for another. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { getVariables, isDone, setVariable, setVariables, variablesOf } from '../../engine/agi/commands.ts';
import { InvalidText, safeText } from '../../engine/asterisk/encode.ts';
import { AgiRefused } from '../../engine/agi/line-buffer.ts';
import { holds } from '../routing/property.ts';

/** As Asterisk takes a line apart (res_agi.c, parse_args): blanks between words, quotes around them, a backslash before a character. */
function asAsteriskReads(line: string): string[] {
  const found: string[] = [];
  let [current, inQuotes, escaped, begun] = ['', false, false, false];
  for (const one of line.replace(/\n$/, '')) {
    if (escaped) [current, escaped, begun] = [current + one, false, true];
    else if (one === '\\') escaped = true;
    else if (one === '"') [inQuotes, begun] = [!inQuotes, true];
    else if (one === ' ' && !inQuotes) {
      if (begun) found.push(current);
      [current, begun] = ['', false];
    } else [current, begun] = [current + one, true];
  }
  if (begun) found.push(current);
  return found;
}

test('a value arrives as it is, whatever stands in it', async (t) => {
  t.equal(setVariable('TOLLGATE_CALLERID_NAME', 'A "B" \\ C'), 'SET VARIABLE TOLLGATE_CALLERID_NAME "A \\"B\\" \\\\ C"\n');
  t.equal(setVariable('TOLLGATE_CALL', 'x"\nEXEC System rm\r\0'), 'SET VARIABLE TOLLGATE_CALL "x\\"EXEC System rm"\n');
  holds(t, fc.property(fc.string({ unit: fc.oneof(fc.constantFrom('"', '\\', ' ', '\n', '\r', '\0', '$', '{', '|'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })), maxLength: 200 }), (value) => {
    const line = setVariable('TOLLGATE_X', value);
    const read = asAsteriskReads(line);
    return line.indexOf('\n') === line.length - 1 && read.length === 4 && read[2] === 'TOLLGATE_X' && read[3] === safeText(value);
  }));
});

/** What MSet() makes of its list: pairs between commas, at the first `=`. */
function asMSetReads(line: string): [string, string][] {
  const [exec, app, list = ''] = asAsteriskReads(line);
  if (exec !== 'EXEC') return [];
  return app === 'MSet' ? list.split(',').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]) : [];
}

test('plain values go together, in their order', async (t) => {
  t.same(setVariables([['TOLLGATE_DIAL_1', 'PJSIP/370@provider-1'], ['TIMEOUT(absolute)', '90'], ['TOLLGATE_CALLERID_NAME', 'A, B=C'], ['TOLLGATE_CALL', ''], ['TOLLGATE_ALLOWED', '1']]), [
    'EXEC MSet "TOLLGATE_DIAL_1=PJSIP/370@provider-1,TIMEOUT(absolute)=90"\n', 'SET VARIABLE TOLLGATE_CALLERID_NAME "A, B=C"\n', 'SET VARIABLE TOLLGATE_CALL ""\n', 'EXEC MSet "TOLLGATE_ALLOWED=1"\n',
  ]);
  const variables = fc.array(fc.tuple(fc.constantFrom('A', 'TOLLGATE_B', 'TIMEOUT(absolute)'), fc.oneof(fc.string({ unit: 'grapheme-ascii', maxLength: 100 }), fc.stringMatching(/^[a-z0-9/@:&]{1,100}$/))), { maxLength: 60 });
  holds(t, fc.property(variables, (all) => {
    const lines = setVariables(all);
    const read = lines.flatMap((line): [string, string][] => (line.startsWith('SET') ? [[asAsteriskReads(line)[2] ?? '', asAsteriskReads(line)[3] ?? '']] : asMSetReads(line)));
    return lines.every((line) => Buffer.byteLength(line) < 2048) && JSON.stringify(read) === JSON.stringify(all);
  }));
});

test('what Asterisk would cut is not sent', async (t) => {
  t.throws(() => setVariable('TOLLGATE_DIAL_1', 'x'.repeat(3000)), InvalidText);
  t.throws(() => setVariable('A B', 'x'), InvalidText);
  t.throws(() => setVariable('SHELL(rm -rf)', 'x'), InvalidText);
});

test('answers', async (t) => {
  t.equal(getVariables('mark', ['${A}', '${B}']), 'GET FULL VARIABLE "mark|${A}|${B}"\n');
  t.same(variablesOf('200 result=1 (mark|a|b)', 'mark', 2), ['a', 'b']);
  t.same(variablesOf('200 result=1 (mark||x|y)z)', 'mark', 2), ['', 'x|y)z']);
  for (const other of ['200 result=1 (10.0.0.1:5060|ulaw)', '200 result=0', '510 Invalid or unknown command', '200 result=1 (marked|a|b)', '200 result=1 (mark|a)', 'agi_priority: 7', '']) {
    t.throws(() => variablesOf(other, 'mark', 2), AgiRefused, other);
  }
  t.ok(isDone('200 result=1'));
  t.ok(isDone('200 result=0'));
  t.notOk(isDone('200 result=-2'));
  t.notOk(isDone('511 Command Not Permitted on a dead channel or intercept routine'));
});
