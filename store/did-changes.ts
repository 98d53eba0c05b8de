/** What becomes of DIDs by time, and by the hand of an operator: each change of status with his name. */
import type { ClientBase } from 'pg';

type Session = Pick<ClientBase, 'query'>;

/** Who frees what was closed for long enough, in the record of changes. */
const TIME = 'closed for long enough';

export async function freeClosedDids(session: Session, closedDays: number): Promise<void> {
  await named(session, TIME, async () => session.query('select free_closed_dids(make_interval(days => $1))', [closedDays]));
}

/** Runs one transaction whose changes of status bear this name. */
export async function named<Result>(session: Session, who: string, change: () => Promise<Result>): Promise<Result> {
  await session.query('begin');
  try {
    await session.query(`select set_config('tollgate.who', $1, true)`, [who]);
    const result = await change();
    await session.query('commit');
    return result;
  } catch (error) {
    await session.query('rollback');
    throw error;
  }
}
