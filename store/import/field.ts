/** Kinds of values in a tenant file: text of a scalar in, value for Postgres out, or the reason why not. */
import { MoneyError, parseMoney } from '../../rating/money.ts';
import { RateError } from '../../rating/errors.ts';
import { parseDay, parseMoment, parseTimeOfDay } from '../../rating/dates.ts';
import { zoneOf } from '../../rating/zone.ts';
import { didProblem } from '../../routing/did.ts';
import { parseTransformation, TransformationError } from '../../routing/transform.ts';
import { compilePattern } from '../pattern.ts';
import { readScoreItem } from '../score-item.ts';
import { placesOf, VARIABLES } from '../warnings/template.ts';
import { didYouMean, shown } from './problem.ts';

/** The message is the reason, a whole sentence. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

export type Scalar = string | number | boolean | null;
export type Parse = (text: string) => Scalar;

/** Rejects what a room's own error says, in its words. */
function asking(work: Parse): Parse {
  return (text) => {
    try {
      return work(text);
    } catch (error) {
      if (error instanceof MoneyError || error instanceof RateError) throw new BadValue(error.message.replace(/^\w+: /, ''), { cause: error });
      throw error;
    }
  };
}

export function formed(form: RegExp, what: string): Parse {
  return (text) => {
    if (!form.test(text)) throw new BadValue(`${shown(text)} is not ${what}.`);
    return text;
  };
}

/** A value that must not be shown in any message. */
export const secret: Parse = (text) => {
  if (!/^[^\p{Cc}]{1,128}$/u.test(text)) throw new BadValue('the password must have 1 to 128 characters, none of them a control character.');
  return text;
};

export const freeText: Parse = (text) => {
  if (/\p{Cc}/u.test(text) || text.length > 200) throw new BadValue('text must have at most 200 characters on one line.');
  return text;
};

export const name: Parse = (text) => {
  if (/\p{Cc}/u.test(text) || text.trim() !== text || text.length === 0 || text.length > 100) throw new BadValue(`${shown(text)} is not a name of 1 to 100 characters.`);
  return text;
};

export function whole(least: number, most: number): Parse {
  return (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new BadValue(`${shown(text)} is not a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** Q.850 cause or SIP status of a leg's end. */
export const endCode: Parse = (text) => {
  const code = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (!((code >= 1 && code <= 127) || (code >= 300 && code <= 699))) throw new BadValue(`${shown(text)} is neither a Q.850 cause (1 to 127) nor a SIP status that ends a call (300 to 699).`);
  return code;
};

export const limit = whole(0, 1_000_000);
/** Calls at once; one alone is no reason for a ban. */
export const banAtCalls: Parse = (text) => {
  if (text === '1') throw new BadValue('1 would ban every caller at his first call: write 0 for never, or 2 and more.');
  return limit(text);
};
/** Of talk, of many calls at once. */
export const minutes = whole(0, 1_000_000_000);
export const seconds = whole(0, 604_800);

export const flag: Parse = (text) => {
  if (text === 'true' || text === 'yes') return true;
  if (text === 'false' || text === 'no') return false;
  throw new BadValue(`${shown(text)} is neither true nor false.`);
};

export function oneOf(...words: readonly string[]): Parse {
  return (text) => {
    if (!words.includes(text)) throw new BadValue(`${shown(text)} is not one of ${words.join(', ')}.${didYouMean(text, words)}`);
    return text;
  };
}

/** Exact: the text goes to Postgres as it stands. */
export function money(least: 'any' | 'notNegative'): Parse {
  return asking((text) => {
    const amount = parseMoney(text);
    if (least === 'notNegative' && amount < 0n) throw new BadValue(`${text} is below 0.`);
    return text;
  });
}

export const credit: Parse = (text) => (text === 'unlimited' ? null : money('notNegative')(text));

export function decimal(least: number, most: number): Parse {
  return (text) => {
    const value = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new BadValue(`${shown(text)} is not a number from ${least} to ${most}.`);
    return text;
  };
}

export const timeZone: Parse = asking((text) => {
  zoneOf(text);
  return text;
});

export const day: Parse = asking((text) => {
  parseDay(text);
  return text;
});

export const timeOfDay: Parse = asking((text) => {
  parseTimeOfDay(text);
  return text;
});

const MOMENT = /^(?<local>\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?)(?<fraction>\.\d{1,6})?(?<offset>Z|[+-]\d\d:\d\d)?$/;
/** Clocks differ from UTC by no more than that. */
const MOST_OFFSET_MINUTES = 14 * 60;

/** A moment as ISO text; without an offset it is meant in `zone`. Microseconds, which Postgres can hold, are kept. */
export function momentIn(zone: string): Parse {
  return asking((text) => {
    const { local = text, fraction = '', offset } = MOMENT.exec(text)?.groups ?? {};
    const ms = offset === undefined ? parseMoment(local, zoneOf(zone)) : parseMoment(local, zoneOf('UTC')) - offsetMinutes(offset) * 60_000;
    return `${new Date(ms).toISOString().slice(0, 19)}${fraction}Z`;
  });
}

function offsetMinutes(offset: string): number {
  if (offset === 'Z') return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4));
  if (minutes > MOST_OFFSET_MINUTES || Number(offset.slice(4)) > 59) throw new BadValue(`${shown(offset)} is not an offset from UTC.`);
  return offset.startsWith('-') ? -minutes : minutes;
}

export const did: Parse = (text) => {
  const problem = didProblem(text);
  if (problem !== null) throw new BadValue(`${shown(text)}: ${problem}.`);
  return text;
};

export const transformation: Parse = (text) => {
  try {
    parseTransformation(text, compilePattern);
    return text;
  } catch (error) {
    if (!(error instanceof TransformationError)) throw error;
    throw new BadValue(`${shown(text)}: ${error.message}`, { cause: error });
  }
};

const EMAIL = /^[^\s\p{Cc}@;,<>"]{1,64}@[A-Za-z0-9.-]{1,250}$/u;

/** One address, or several apart by semicolons. */
export const emails: Parse = (text) => {
  const parts = text.split(';').map((part) => part.trim());
  const wrong = parts.find((part) => !EMAIL.test(part));
  if (text !== '' && wrong !== undefined) throw new BadValue(wrong === '' ? `${shown(text)} has an empty address in it; write addresses apart by one semicolon.` : `${shown(wrong)} is not an e-mail address; several are written apart by semicolons.`);
  if (text.length > 200) throw new BadValue('addresses may have 200 characters in all.');
  return parts.join('; ');
};

/** Its host is looked at when it is used: what it means may change any time. */
export const webAddress: Parse = (text) => {
  if (text !== '' && (!/^https?:\/\/[^\s\p{Cc}]{1,1990}$/u.test(text) || !URL.canParse(text))) throw new BadValue('it must be a web address that begins with http:// or https://.');
  return text;
};

function checkPlaces(text: string): string {
  const wrong = placesOf(text).find((name) => !(VARIABLES as readonly string[]).includes(name));
  if (wrong !== undefined) throw new BadValue(`there is no variable ${shown(wrong)}.${didYouMean(wrong, VARIABLES)}`);
  return text;
}

export const templateLine: Parse = (text) => checkPlaces(String(freeText(text)));

export function templateText(most: number): Parse {
  return (text) => {
    if (text.length > most) throw new BadValue(`it has more than ${most} characters.`);
    if (/[^\P{Cc}\n\t]/u.test(text)) throw new BadValue('it has control characters in it.');
    return checkPlaces(text);
  };
}

export const soundFile: Parse = (text) => {
  if (text === '') return text;
  if (!/^[A-Za-z0-9_/-][A-Za-z0-9_./-]{0,199}$/.test(text) || text.includes('..')) throw new BadValue(`${shown(text)} is not the name of a sound: letters, digits, \`/\`, \`.\`, \`_\` and \`-\`, without its extension, e.g. custom/low-balance.`);
  return text;
};

export const prefix = formed(/^\d{1,15}$/, 'a prefix: 1 to 15 digits and nothing else');
export const numberPart = formed(/^[0-9A-Za-z+*#]{0,40}$/, 'part of a number');
export const host = formed(/^[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/, 'a host name or an address');
export const callerNumber = formed(/^[0-9A-Za-z+*#._-]{0,40}$/, "a caller's number");
export const callerName = formed(/^[^\p{Cc}"\\]{0,80}$/u, "a caller's name without quotes");
/** `source:37060000001`, `destination:…` or `ip:192.0.2.1`, as it is looked up. */
export const scoredItem: Parse = (text) => {
  const item = readScoreItem(text);
  if (item === null) throw new BadValue(`${shown(text)} is not source:NUMBER, destination:NUMBER or ip:ADDRESS.`);
  return item;
};
export const address = formed(/^[0-9A-Fa-f.:]{2,45}(?:\/\d{1,3})?$/, 'an IP address or network');
export const codec = formed(/^[a-z0-9]{1,20}$/, 'the name of a codec');
