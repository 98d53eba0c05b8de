/** One DID as an operator sees and changes it. The database keeps to the allowed changes of status. */
import { named } from './did-changes.ts';
import { connectClient } from './postgres.ts';

/** What cannot be done as asked; the message says why. */
export class DidError extends Error {
  override readonly name = 'DidError';
}

export interface DidChange {
  readonly at: Date;
  readonly who: string;
  /** null: entered. */
  readonly from: string | null;
  readonly to: string;
  readonly user: string | null;
}

export interface DidView {
  readonly did: string;
  readonly status: string;
  readonly since: Date;
  readonly user: string | null;
  /** In the order in which they ring. */
  readonly devices: readonly string[];
  /** How several devices ring. */
  readonly ring: 'in_turn' | 'at_once';
  readonly external: string | null;
  readonly provider: string;
  /** Newest last. */
  readonly changes: readonly DidChange[];
}

/** undefined leaves as it is, except that a freed DID loses all three; a device is then the only one. */
export interface DidOrder {
  readonly to: string;
  readonly user?: string;
  readonly device?: string;
  readonly external?: string;
  /** For the record of changes. */
  readonly who: string;
}

const FOUND = `select d.id, d.did, d.status, d.status_since as since, u.username as "user", d.ring, d.external, p.name as provider,
    array(select v.endpoint from (select d.device_id, 1 as position union all select m.device_id, m.position from did_devices m where m.did_id = d.id) n
      join devices v on v.id = n.device_id order by n.position)::text[] as devices
  from dids d join providers p on p.id = d.provider_id left join users u on u.id = d.user_id
  where d.did = $1 order by d.status = 'terminated', d.id desc limit 1`;

const CHANGES = `select c.at, c.who, c.from_status as "from", c.to_status as "to", u.username as "user"
  from did_changes c left join users u on u.id = c.user_id where c.did_id = $1 order by c.id`;

type Session = Awaited<ReturnType<typeof connectClient>>;

async function withSession<Result>(postgresUrl: string, work: (session: Session) => Promise<Result>): Promise<Result> {
  const session = await connectClient(postgresUrl, 'did');
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

async function find(session: Session, did: string): Promise<Omit<DidView, 'changes'> & { readonly id: number }> {
  const { rows } = await session.query<Omit<DidView, 'changes'> & { readonly id: number }>(FOUND, [did]);
  const [row] = rows;
  if (row === undefined) throw new DidError(`There is no DID ${did}. A wildcard is named with its *, in quotes: '37088888*'.`);
  return row;
}

async function view(session: Session, did: string): Promise<DidView> {
  const { id, ...found } = await find(session, did);
  return { ...found, changes: (await session.query<DidChange>(CHANGES, [id])).rows };
}

export async function showDid(postgresUrl: string, did: string): Promise<DidView> {
  return withSession(postgresUrl, async (session) => view(session, did));
}

async function idOf(session: Session, table: 'users' | 'devices', key: string, name: string | undefined): Promise<number | null> {
  if (name === undefined) return null;
  const { rows } = await session.query<{ id: number }>(`select id from ${table} where ${key} = $1`, [name]);
  if (rows[0] === undefined) throw new DidError(`There is no ${table === 'users' ? 'user' : 'device'} ${name}.`);
  return rows[0].id;
}

/** Throws DidError with the database's own reason for a change that is not allowed; then nothing was changed. */
export async function changeDid(postgresUrl: string, did: string, order: DidOrder): Promise<DidView> {
  return withSession(postgresUrl, async (session) => {
    const { id, status } = await find(session, did);
    if (status === order.to) throw new DidError(`DID ${did} is ${status} already.`);
    const [user, device] = [await idOf(session, 'users', 'username', order.user), await idOf(session, 'devices', 'endpoint', order.device)];
    const freed = order.to === 'free';
    try {
      await named(session, order.who, async () => {
        if (device !== null) await session.query('delete from did_devices where did_id = $1', [id]);
        await session.query(
          `update dids set status = $2,
             user_id = case when $6 then null else coalesce($3, user_id) end,
             device_id = case when $6 or $5::text is not null then null else coalesce($4, device_id) end,
             external = case when $6 or $4::int is not null then null else coalesce($5, external) end
           where id = $1`,
          [id, order.to, user, device, order.external ?? null, freed],
        );
      });
    } catch (error) {
      throw refusal(error);
    }
    return view(session, did);
  });
}

function refusal(error: unknown): unknown {
  const { code, message, constraint } = error as { code?: string; message: string; constraint?: string };
  if (code === '23505') return new DidError('Its number was entered again meanwhile: that DID must be terminated first.');
  if (code !== '23514' && code !== '23503') return error;
  // What a trigger refused has a sentence of its own; a constraint has its name.
  return new DidError(`${constraint === undefined ? message : `This breaks the rule: ${constraint.replaceAll('_', ' ')}`}.`);
}
