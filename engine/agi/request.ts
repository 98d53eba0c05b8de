/**
 * What Asterisk says of a channel when it connects: `agi_word: value` line by line. Only words that are known are taken.
 */
import type { Channel } from '../asterisk/contract.ts';
import { AgiRefused } from './line-buffer.ts';

export type AgiScript = 'authorize' | 'next' | 'finish';

export interface AgiRequest {
  readonly script: AgiScript;
  readonly serverId: number;
  readonly channel: Channel;
}

const WORDS: ReadonlySet<string> = new Set(['agi_network_script', 'agi_channel', 'agi_uniqueid', 'agi_callerid', 'agi_calleridname', 'agi_context', 'agi_extension', 'agi_accountcode']);

const SCRIPT = /^\/?(authorize|next|finish)\?server=(\d{1,5})$/;
const UNIQUE_ID = /^[\w.-]{1,150}$/;
/** `PJSIP/<endpoint>-<number>`. */
const CHANNEL = /^PJSIP\/([\w.-]{1,79})-[0-9a-f]{8,}$/;

/** Throws AgiRefused. */
export function parseRequest(lines: readonly string[]): AgiRequest {
  const words = new Map<string, string>();
  for (const line of lines) {
    const [, word = '', value = ''] = /^(agi_\w{1,40}): ?(.*)$/.exec(line) ?? [];
    if (word === '') throw new AgiRefused('a line that is no word of AGI');
    if (!WORDS.has(word)) continue;
    // A number or a name with a line break in it would be followed by a word of the caller's own.
    if (words.has(word)) throw new AgiRefused(`${word} stands twice`);
    words.set(word, value);
  }
  const [, script, server] = SCRIPT.exec(word(words, 'agi_network_script')) ?? [];
  if (script === undefined) throw new AgiRefused('the address is none of …/authorize?server=N, …/next?server=N, …/finish?server=N');
  return { script: script as AgiScript, serverId: Number(server), channel: channelOf(words) };
}

function word(words: ReadonlyMap<string, string>, name: string): string {
  const value = words.get(name);
  if (value === undefined) throw new AgiRefused(`${name} is missing`);
  return value;
}

/** Asterisk says `unknown` where there is nothing. */
function known(words: ReadonlyMap<string, string>, name: string): string {
  const value = word(words, name);
  return value === 'unknown' ? '' : value;
}

function channelOf(words: ReadonlyMap<string, string>): Channel {
  const id = word(words, 'agi_uniqueid');
  if (!UNIQUE_ID.test(id)) throw new AgiRefused('agi_uniqueid is no id of a channel');
  const name = word(words, 'agi_channel');
  const endpoint = CHANNEL.exec(name)?.[1];
  if (endpoint === undefined) throw new AgiRefused('agi_channel is no channel of PJSIP');
  return {
    id,
    name,
    endpoint,
    state: '',
    callerNumber: known(words, 'agi_callerid'),
    callerName: known(words, 'agi_calleridname'),
    accountCode: words.get('agi_accountcode') ?? '',
    extension: word(words, 'agi_extension'),
    context: words.get('agi_context') ?? '',
    application: '',
    sipCallId: '',
    codec: '',
  };
}
