// Reads fields of parsed JSON, one by one and strictly: each mistake is a RateError that names its path.

import { RateError } from './errors.ts';
import { MoneyError, parseMoney } from './money.ts';
import type { Money } from './money.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [field: string]: JsonValue };

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;

  /** Throws RateError for anything but an object with these fields only. */
  constructor(value: unknown, path: string, known: readonly string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new RateError('wrongType', path, 'an object is needed here.');
    }
    this.#values = value as Record<string, unknown>;
    this.#path = path;
    for (const field of Object.keys(value)) {
      if (!known.includes(field)) throw new RateError('unknownField', this.path(field), `no such field; known are ${known.join(', ')}.`);
    }
  }

  path(field: string): string {
    const shown = field.length <= 40 ? field : `${field.slice(0, 40)}…`;
    return this.#path === '' ? shown : `${this.#path}.${shown}`;
  }

  has(field: string): boolean {
    return this.#own(field) !== undefined;
  }

  text<Missing = never>(field: string, missing?: Missing): string | Missing {
    return this.#read(field, missing, (value) => {
      if (typeof value !== 'string') throw new RateError('wrongType', this.path(field), 'text is needed here.');
      return value;
    });
  }

  number<Missing = never>(field: string, missing?: Missing): number | Missing {
    return this.#read(field, missing, (value) => {
      if (typeof value !== 'number') throw new RateError('wrongType', this.path(field), 'a number is needed here, without quotes.');
      return value;
    });
  }

  flag<Missing = never>(field: string, missing?: Missing): boolean | Missing {
    return this.#read(field, missing, (value) => {
      if (typeof value !== 'boolean') throw new RateError('wrongType', this.path(field), 'true or false is needed here.');
      return value;
    });
  }

  /** Decimal text only: a JSON number has gone through a float before anyone could look at it. */
  money<Missing = never>(field: string, missing?: Missing): Money | Missing {
    return this.#read(field, missing, (value) => {
      if (typeof value !== 'string') throw new RateError('badMoney', this.path(field), 'an amount must be decimal text in quotes, such as "0.1".');
      try {
        return parseMoney(value);
      } catch (error) {
        if (error instanceof MoneyError) throw new RateError('badMoney', this.path(field), error.message);
        throw error;
      }
    });
  }

  oneOf<Word extends string>(field: string, words: readonly Word[]): Word {
    return this.#must(field, (value) => {
      const word = words.find((known) => known === value);
      if (word === undefined) throw new RateError('wrongType', this.path(field), `one of ${words.map((known) => `"${known}"`).join(', ')} is needed here.`);
      return word;
    });
  }

  list(field: string): readonly unknown[] {
    return this.#must(field, (value) => {
      if (!Array.isArray(value)) throw new RateError('wrongType', this.path(field), 'a list is needed here.');
      return value as readonly unknown[];
    });
  }

  object(field: string, known: readonly string[]): Fields | null {
    return this.#read(field, null, (value) => new Fields(value, this.path(field), known));
  }

  #own(field: string): unknown {
    return Object.hasOwn(this.#values, field) ? this.#values[field] : undefined;
  }

  #read<Value, Missing>(field: string, missing: Missing | undefined, decode: (value: unknown) => Value): Value | Missing {
    if (missing === undefined || this.#present(field)) return this.#must(field, decode);
    return missing;
  }

  #must<Value>(field: string, decode: (value: unknown) => Value): Value {
    if (!this.#present(field)) throw new RateError('missing', this.path(field), 'this field is missing.');
    return decode(this.#own(field));
  }

  #present(field: string): boolean {
    return this.#own(field) !== undefined && this.#own(field) !== null;
  }
}
