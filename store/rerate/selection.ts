/** Which prices are meant: a period, and a user, a provider or a tariff by its name. */
import type { ClientBase } from 'pg';
import { didYouMean, shown } from '../import/problem.ts';
import { RerateError } from './error.ts';

export type SelectionKind = 'user' | 'provider' | 'tariff';

export interface Asked {
  readonly kind: SelectionKind;
  readonly name: string;
  /** Calls that arrived from here on … */
  readonly fromMs: number;
  /** … and before. */
  readonly toMs: number;
}

export interface Selection extends Asked {
  readonly id: number;
}

const TABLES: Readonly<Record<SelectionKind, string>> = {
  user: 'select id, username as name from users',
  provider: 'select id, name from providers',
  tariff: 'select id, name from tariffs',
};

export type Names = ReadonlyMap<number, string>;

export async function loadNames(reader: Pick<ClientBase, 'query'>, kind: SelectionKind): Promise<Names> {
  const { rows } = await reader.query<{ id: number; name: string }>(TABLES[kind]);
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** Throws RerateError for a name that is not there, or a period that is none. */
export function selectionOf(asked: Asked, names: Names): Selection {
  if (!(asked.fromMs < asked.toMs)) throw new RerateError('The period is empty: --to must be later than --from. Calls that arrive at --to itself are not part of it.');
  for (const [id, name] of names) if (name === asked.name) return { ...asked, id };
  throw new RerateError(`There is no ${asked.kind} ${shown(asked.name)}.${didYouMean(asked.name, [...names.values()])}`);
}
