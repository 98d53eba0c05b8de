/**
 * AMI on the wire: lines of `Key: value`, an empty line behind each message. Pure. What goes out cannot leave its line;
 * what comes in is taken as text that anyone may have chosen, since names and numbers of callers stand in it.
 */
import { matching, safeText } from './encode.ts';

/** The first value of each key, as Asterisk spells the key. */
export type AmiMessage = ReadonlyMap<string, string>;

export type AmiFields = Readonly<Record<string, string>>;

/** Asterisk reads at most so much of a line. */
const LONGEST_VALUE = 1000;
/** A message of Asterisk's has some dozens of lines. */
const MOST_BYTES = 256 * 1024;
const END = '\r\n\r\n';

/** Control characters are left out of values: a line break would begin another header, or another action. Throws InvalidText. */
export function encodeAction(name: string, actionId: string, fields: AmiFields): string {
  const lines = Object.entries({ Action: matching('action', name, /^[A-Za-z]{1,40}$/), ActionID: matching('action id', actionId, /^[\w.-]{1,64}$/), ...fields });
  return `${lines.map(([key, value]) => `${matching('key', key, /^[A-Za-z]{1,40}$/)}: ${safeText(value).slice(0, LONGEST_VALUE)}`).join('\r\n')}${END}`;
}

/** Puts messages together out of what a connection brings. */
export class AmiParser {
  #rest = '';
  #greeted = false;

  /** Messages that are complete by now. Throws when what comes cannot be AMI. */
  feed(text: string): readonly AmiMessage[] {
    this.#rest += text;
    if (!this.#greeted) this.#greet();
    if (!this.#greeted) return [];
    const blocks = this.#rest.split(END);
    this.#rest = blocks.pop() ?? '';
    if (this.#rest.length > MOST_BYTES) throw new Error('a message of AMI has no end');
    return blocks.map(parseBlock);
  }

  #greet(): void {
    const end = this.#rest.indexOf('\r\n');
    const line = end === -1 ? this.#rest : this.#rest.slice(0, end);
    if (end === -1 ? line.length > 200 : !line.startsWith('Asterisk Call Manager/')) throw new Error('it does not greet like AMI: is the port of AMI in asterisk[].ami.url?');
    if (end === -1) return;
    this.#rest = this.#rest.slice(end + 2);
    this.#greeted = true;
  }
}

function parseBlock(block: string): AmiMessage {
  const message = new Map<string, string>();
  for (const line of block.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const key = line.slice(0, colon);
    if (!message.has(key)) message.set(key, line.slice(colon + 1).trim());
  }
  return message;
}
