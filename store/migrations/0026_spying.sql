-- Spying on calls: who may, and who did.

alter table users
  -- Active Calls of users and resellers, Allow Spy Calls of accountants; the admin always may.
  add column may_spy boolean not null default false;

-- No foreign keys: what was done stays on record when user, device or call are gone.
create table spy_sessions (
  id uuid primary key,
  server_id integer not null,
  call_id text not null check (call_id !~ '[[:cntrl:]]' and length(call_id) <= 200),
  -- Whoever asked, by id and by the name he had; ordered_by is the account of the machine that gave the order.
  user_id integer not null,
  username text not null,
  ordered_by label not null,
  device text not null,
  -- The side that hears whispers.
  side text not null check (side in ('caller', 'callee')),
  ordered_at timestamptz not null,
  -- null: he never heard the call.
  started_at timestamptz,
  -- null: it goes on.
  ended_at timestamptz check (ended_at >= ordered_at),
  -- [{"mode": "listen", "at": "…"}, …] in the order in which he chose them.
  modes jsonb not null default '[]' check (jsonb_typeof(modes) = 'array')
);
create index spy_sessions_call on spy_sessions (call_id);
create index spy_sessions_ordered on spy_sessions (ordered_at);
