/** The operator's scores of the dynamic blacklist, for commands. A daemon has a change in force within a second. */
import type { Client } from 'pg';
import { connectClient } from './postgres.ts';

async function withClient<Result>(postgresUrl: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = await connectClient(postgresUrl, 'scores');
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** By item, the highest first. */
export async function readSetScores(postgresUrl: string, most: number, item: string | null = null): Promise<ReadonlyMap<string, number>> {
  return withClient(postgresUrl, async (client) => {
    const { rows } = await client.query<{ item: string; score: number }>('select item, score from blacklist_scores where $2::text is null or item = $2 order by score desc, item limit $1', [most, item]);
    return new Map(rows.map((row) => [row.item, row.score]));
  });
}

export async function setScore(postgresUrl: string, item: string, score: number): Promise<void> {
  await withClient(postgresUrl, async (client) => client.query('insert into blacklist_scores (item, score) values ($1, $2) on conflict (item) do update set score = excluded.score', [item, score]));
}

export async function unsetScore(postgresUrl: string, item: string): Promise<void> {
  await withClient(postgresUrl, async (client) => client.query('delete from blacklist_scores where item = $1', [item]));
}
