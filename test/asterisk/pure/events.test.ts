import * as fc from 'fast-check';
import { test } from 'tap';
import { isKnownUnused, isReplaced, parseChannels, parseEvent } from '../../../engine/asterisk/events.ts';
import '../../seed.ts';

const NOW = 1_795_500_000_000;
const AT = Date.UTC(2026, 10, 24, 4, 14, 22, 5);

const channel = {
  id: '1795493738.146', name: 'PJSIP/provider-7-0000001f', state: 'Ring', protocol_id: 'abc@10.0.0.1',
  caller: { name: 'Ann', number: '370600' }, connected: { name: '', number: '' }, accountcode: 'provider:7',
  dialplan: { context: 'tollgate', exten: '4930', priority: 2, app_name: 'Stasis', app_data: 'tollgate,127.0.0.1,ulaw' },
  creationtime: '2026-11-24T04:14:22.005+0000', language: 'en', channelvars: { 'CHANNEL(audionativeformat)': '(ulaw|alaw)', n: 5 },
};

function event(type: string, more: object = {}): object {
  return { type, timestamp: '2026-11-24T04:14:22.005+0000', application: 'tollgate', asterisk_id: 'x', channel, ...more };
}

const SAMPLES: readonly [object, object][] = [
  [event('StasisStart', { args: ['leg', 7] }), { type: 'stasisStart', at: AT, channelId: channel.id, args: ['leg'] }],
  [event('StasisEnd'), { type: 'stasisEnd', at: AT, channelId: channel.id }],
  [event('Dial', { dialstatus: 'RINGING', peer: { id: 'leg-1' } }), { type: 'dial', at: AT, channelId: 'leg-1', status: 'RINGING', codec: '' }],
  [event('Dial', { dialstatus: '', peer: { id: 'leg-1' } }), { type: 'dial', at: AT, channelId: 'leg-1', status: '', codec: '' }],
  [event('ChannelStateChange'), { type: 'stateChange', at: AT, channelId: channel.id, state: 'Ring', codec: 'ulaw' }],
  [event('ChannelDestroyed', { cause: 16, cause_txt: 'x' }), { type: 'destroyed', at: AT, channelId: channel.id, cause: 16, techCause: null, state: 'Ring' }],
  [event('ChannelDtmfReceived', { digit: '#', duration_ms: 100 }), { type: 'dtmf', at: AT, channelId: channel.id, digit: '#' }],
  [event('PlaybackFinished', { playback: { id: 'p', state: 'done', target_uri: 'channel:c' } }), { type: 'playbackFinished', at: AT, channelId: 'c', playbackId: 'p', failed: false }],
  [event('PlaybackFinished', { playback: { id: 'p', state: 'failed', target_uri: 'bridge:b' } }), { type: 'playbackFinished', at: AT, channelId: '', playbackId: 'p', failed: true }],
];

test('each event of Asterisk is read', async (t) => {
  for (const [raw, expected] of SAMPLES) t.match(parseEvent(raw, NOW), expected);
});

test('a channel is read', async (t) => {
  const [parsed] = parseChannels([channel, { name: 'no id' }, 7, null]);
  t.match(parsed, {
    id: channel.id, name: channel.name, endpoint: 'provider-7', state: 'Ring', callerNumber: '370600', callerName: 'Ann',
    accountCode: 'provider:7', extension: '4930', context: 'tollgate', application: 'tollgate', sipCallId: 'abc@10.0.0.1', codec: 'ulaw',
  });
  t.equal(parseChannels([channel, {}, 'x']).length, 1);
  t.same(parseChannels({ length: 1 }), []);
});

test('what is missing or of another kind reads as empty', async (t) => {
  t.match(parseEvent({ type: 'StasisStart', channel: { id: 'c', caller: 7, dialplan: 'x', channelvars: [] } }, NOW), {
    type: 'stasisStart', at: NOW, args: [], channel: { endpoint: '', callerNumber: '', extension: '', application: '' },
  });
  t.match(parseEvent({ type: 'ChannelDestroyed', timestamp: 'x', cause: '16', channel: { id: 'c' } }, NOW), { at: NOW, cause: 0, techCause: null, state: '' });
});

test('what no call could use is left out', async (t) => {
  for (const raw of [undefined, null, 7, 'StasisStart', [], {}, { type: 'StasisStart' }, { type: 'StasisEnd', channel: {} }, event('Dial'), event('PlaybackFinished'), event('ChannelDtmfReceived'), event('ChannelVarset')]) {
    t.equal(parseEvent(raw, NOW), undefined);
  }
  t.ok(isKnownUnused(event('ChannelVarset')));
  t.notOk(isKnownUnused(event('FlyingSaucer')));
  t.ok(isReplaced({ type: 'ApplicationReplaced', application: 'tollgate' }, 'tollgate'));
  t.notOk(isReplaced({ type: 'ApplicationReplaced', application: 'other' }, 'tollgate'));
});

test('no JSON makes it throw', async () => {
  const types = fc.constantFrom(...SAMPLES.map(([raw]) => (raw as { type: string }).type));
  fc.assert(fc.property(fc.jsonValue(), types, (value, type) => {
    parseEvent(value, NOW);
    isReplaced(value, 'tollgate');
    isKnownUnused(value);
    parseChannels(value);
    parseEvent({ type, channel: value, peer: value, playback: value, timestamp: value, args: value, cause: value }, NOW);
    if (typeof value === 'object' && value !== null) parseEvent(Object.assign(value, { type }), NOW);
  }), { numRuns: 500 });
});

test('a real event with one field spoilt gives a whole event or none', async (t) => {
  const spoilt = fc.tuple(fc.constantFrom(...SAMPLES.map(([raw]) => raw)), fc.constantFrom('timestamp', 'channel', 'peer', 'args', 'cause', 'digit', 'playback', 'type', 'dialstatus'), fc.anything());
  fc.assert(fc.property(spoilt, ([raw, field, value]) => {
    const parsed = parseEvent({ ...raw, [field]: value }, NOW);
    return parsed === undefined || (Number.isFinite(parsed.at) && typeof parsed.channelId === 'string' && typeof parsed.type === 'string');
  }), { numRuns: 500 });
  t.pass('held for all');
});
