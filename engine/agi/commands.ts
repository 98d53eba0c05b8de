/** Commands to Asterisk as lines, and what it answers. Nothing that stands in a value can end it, or the line. */
import { InvalidText, safeText } from '../asterisk/encode.ts';
import { AgiRefused } from './line-buffer.ts';

/** Asterisk reads so much of a line and takes the rest for another command. */
const MAX_COMMAND_BYTES = 2000;
const NAME = /^[A-Za-z_]\w{0,60}(?:\(\w{1,20}\))?$/;

function command(line: string): string {
  if (Buffer.byteLength(line) > MAX_COMMAND_BYTES) throw new InvalidText('command', `is longer than ${MAX_COMMAND_BYTES} bytes`);
  return `${line}\n`;
}

/** Within it only the quote and the backslash mean anything. */
export function quoted(text: string): string {
  return `"${safeText(text).replaceAll(/["\\]/g, (one) => `\\${one}`)}"`;
}

/** Throws InvalidText. */
export function setVariable(name: string, value: string): string {
  if (!NAME.test(name)) throw new InvalidText('variable', 'is no name of a variable');
  return command(`SET VARIABLE ${name} ${quoted(value)}`);
}

/** What a list that Asterisk takes apart at its commas may hold. */
const PLAIN = /^[A-Za-z0-9+*#._@/:&-]+$/;
const MAX_LIST = 1500;

/**
 * In this order, with as few commands as can be: each costs both sides a turn. Plain values go together, by MSet(); those that
 * a list could not hold have a command each.
 */
export function setVariables(variables: readonly (readonly [name: string, value: string])[]): string[] {
  const commands: string[] = [];
  let list = '';
  const flush = (): void => {
    if (list !== '') commands.push(command(`EXEC MSet "${list}"`));
    list = '';
  };
  for (const [name, value] of variables) {
    const plain = PLAIN.test(value) && NAME.test(name) ? `${name}=${value}` : null;
    if (plain === null || list.length + plain.length > MAX_LIST) flush();
    if (plain === null) commands.push(setVariable(name, value));
    else list = list === '' ? plain : `${list},${plain}`;
  }
  flush();
  return commands;
}

/** Between two values; what may hold it comes last. */
const BETWEEN = '|';

/** `mark` comes back before the values. */
export function getVariables(mark: string, expressions: readonly string[]): string {
  return command(`GET FULL VARIABLE ${quoted([mark, ...expressions].join(BETWEEN))}`);
}

/** Throws AgiRefused: it is not the answer to that question. */
export function variablesOf(answer: string, mark: string, count: number): string[] {
  const text = /^200 result=1 \((.*)\)$/.exec(answer)?.[1];
  const [first, ...parts] = text?.split(BETWEEN) ?? [];
  if (first !== mark || parts.length < count) throw new AgiRefused('an answer to something else');
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(BETWEEN)];
}

/** A command that is carried out. Of one that is not the call can still be told the rest. */
export function isDone(answer: string): boolean {
  return /^200 result=[01]\b/.test(answer);
}

/** Asterisk tells of the caller's end between its answers. */
export function isHangup(line: string): boolean {
  return line === 'HANGUP';
}
