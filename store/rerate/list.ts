/** All re-ratings that were ever applied, for whoever asks. */
import { connectClient } from '../postgres.ts';
import { allRuns } from './runs.ts';
import type { Run } from './runs.ts';

export async function listRerates(postgresUrl: string): Promise<readonly Run[]> {
  const client = await connectClient(postgresUrl, 'rerate');
  try {
    return await allRuns(client);
  } finally {
    await client.end();
  }
}
