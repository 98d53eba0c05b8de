/** The operator's scores of the dynamic blacklist, by item: a row that changes does not have the others read again. */
import type { ClientBase } from 'pg';
import type { Keys } from './load.ts';

export interface SetScore {
  readonly id: number;
  readonly item: string;
  readonly score: number;
}

export interface ScoreParts {
  scoreRows: ReadonlyMap<number, SetScore>;
  scores: ReadonlyMap<string, number>;
}

export function noScores(): ScoreParts {
  return { scoreRows: new Map(), scores: new Map() };
}

/** Reads them again, all (null) or by id, and puts them into `parts`. */
export async function readScores(parts: ScoreParts, reader: Pick<ClientBase, 'query'>, keys: Keys): Promise<void> {
  const { rows } = await reader.query<SetScore>('select id, item, score from blacklist_scores where $1::int[] is null or id = any ($1)', [keys]);
  const scoreRows = new Map(keys === null ? [] : parts.scoreRows);
  const scores = new Map(keys === null ? [] : parts.scores);
  for (const key of keys ?? []) {
    const before = scoreRows.get(key);
    if (before === undefined) continue;
    scoreRows.delete(key);
    scores.delete(before.item);
  }
  for (const row of rows) {
    scoreRows.set(row.id, row);
    scores.set(row.item, row.score);
  }
  parts.scoreRows = scoreRows;
  parts.scores = scores;
}
