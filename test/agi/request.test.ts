/** The words of a channel, and callers who write some of their own. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { AgiRefused } from '../../engine/agi/line-buffer.ts';
import { parseRequest } from '../../engine/agi/request.ts';
import { holds } from '../routing/property.ts';

/** As Asterisk 22 writes them, one word a line. */
function words(own: { readonly number?: string; readonly name?: string; readonly extension?: string; readonly script?: string; readonly channel?: string; readonly id?: string } = {}): string[] {
  return [
    'agi_network: yes', `agi_network_script: ${own.script ?? 'authorize?server=1'}`, `agi_request: agi://127.0.0.1:4573/${own.script ?? 'authorize?server=1'}`,
    `agi_channel: ${own.channel ?? 'PJSIP/alice-00000001'}`, 'agi_language: en', 'agi_type: PJSIP', `agi_uniqueid: ${own.id ?? '1795822015.1'}`, 'agi_version: 22.10.1',
    `agi_callerid: ${own.number ?? '37060000001'}`, `agi_calleridname: ${own.name ?? 'unknown'}`, 'agi_callingpres: 0', 'agi_dnid: 37060010001', 'agi_rdnis: unknown',
    'agi_context: tollgate-dial', `agi_extension: ${own.extension ?? '37060010001'}`, 'agi_priority: 7', 'agi_enhanced: 0.0', 'agi_accountcode: ', 'agi_threadid: 140436324361920',
  ].join('\n').split('\n');
}

function refusal(lines: readonly string[]): string {
  try {
    parseRequest(lines);
    return '';
  } catch (error) {
    if (!(error instanceof AgiRefused)) throw error;
    return error.message;
  }
}

test('the words of a channel', async (t) => {
  t.match(parseRequest(words({ name: 'Alice: "A"' })), { script: 'authorize', serverId: 1, channel: { id: '1795822015.1', endpoint: 'alice', callerNumber: '37060000001', callerName: 'Alice: "A"', extension: '37060010001' } });
  t.match(parseRequest(words({ script: 'finish?server=32', channel: 'PJSIP/trunk-a.b-0000001f' })), { script: 'finish', serverId: 32, channel: { endpoint: 'trunk-a.b', callerName: '' } });
});

test('what is no request says why', async (t) => {
  t.match(refusal(words({ script: 'charge?server=1' })), /^the address is none of/);
  t.match(refusal(words({ script: 'authorize' })), /^the address is none of/);
  t.equal(refusal(words({ channel: 'Local/1@x-00000001;1' })), 'agi_channel is no channel of PJSIP');
  t.equal(refusal(words({ id: '../1' })), 'agi_uniqueid is no id of a channel');
  t.equal(refusal(['GET / HTTP/1.1']), 'a line that is no word of AGI');
  t.equal(refusal([]), 'agi_network_script is missing');
  t.equal(refusal(words().filter((line) => !line.startsWith('agi_extension'))), 'agi_extension is missing');
});

test('a caller cannot write words of his own', async (t) => {
  t.equal(refusal(words({ extension: '1\nagi_callerid: 37069999999' })), 'agi_callerid stands twice');
  t.equal(refusal(words({ number: '1\nagi_extension: 900123' })), 'agi_extension stands twice');
  t.equal(refusal(words({ name: 'x\n200 result=1' })), 'a line that is no word of AGI');
  holds(t, fc.property(fc.string(), fc.constantFrom('number', 'name', 'extension'), fc.constantFrom('agi_channel', 'agi_uniqueid', 'agi_network_script', 'agi_callerid', 'agi_extension'), (text, where, word) => refusal(words({ [where]: `1\n${word}: ${text.replaceAll(/[\r\n]/g, '')}` })) !== ''));
});

test('whatever comes is a request or a refusal', async (t) => {
  holds(t, fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...words()), fc.string().map((text) => `agi_extension: ${text}`))), (lines) => {
    refusal(lines);
    return true;
  }));
});
