-- Warnings of low balances: what was decided, and each mail or request that follows from it, from its queueing to its end.

create index users_warning on users (id) where warning_enabled;

create table warning_states (
  user_id integer primary key references users on delete cascade,
  -- Warnings of mode `once` so far; a balance that rose above the threshold since the last one arms the next.
  arming integer not null default 0 check (arming >= 0),
  warned boolean not null default false,
  -- His ledger was looked through up to this version.
  version bigint not null default 0 check (version >= 0)
);

create table warnings (
  id bigint generated always as identity primary key,
  user_id integer not null references users on delete cascade,
  mode text not null check (mode in ('once', 'daily')),
  -- The number of the arming, or the day: what it is for is told once.
  occasion text not null check (occasion ~ '^[0-9-]{1,20}$'),
  balance money_amount not null,
  threshold money_amount not null,
  at timestamptz not null default now(),
  constraint one_warning_an_occasion unique (user_id, mode, occasion)
);
create index warnings_at on warnings (at);

create table warning_deliveries (
  id bigint generated always as identity primary key,
  warning_id bigint not null references warnings on delete cascade,
  channel text not null check (channel in ('mail', 'webhook')),
  recipient text not null check (recipient in ('user', 'admin', 'accountant', 'reseller', 'webhook')),
  address text not null check (length(address) between 1 and 2000 and address !~ '[[:cntrl:]]'),
  -- handed: the mail server is being given the text; whoever dies then leaves it unknown, and it is not sent again.
  state text not null default 'queued' check (state in ('queued', 'handed', 'sent', 'failed', 'unknown')),
  attempts integer not null default 0 check (attempts >= 0),
  claim uuid,
  -- What the other side said last, or why it was not asked.
  answer text not null default '',
  changed_at timestamptz not null default now(),
  constraint only_mail_is_handed check (state not in ('handed', 'unknown') or (channel = 'mail' and claim is not null)),
  constraint one_delivery_an_address unique (warning_id, channel, address)
);
create index warning_deliveries_open on warning_deliveries (id) where state in ('queued', 'handed');
create index warning_deliveries_lost on warning_deliveries (changed_at) where state in ('failed', 'unknown');

-- When users were looked at last.
create table warning_sweeps (only_one boolean primary key default true check (only_one), at timestamptz not null);

-- <%= name %> stands for a variable; the names are checked when a template is imported.
create table email_templates (
  name text primary key check (name in ('warning_balance_email', 'warning_balance_email_local')),
  subject label not null check (subject <> ''),
  text text not null check (length(text) between 1 and 20000),
  -- '': a mail of text alone.
  html text not null default '' check (length(html) <= 100000)
);
insert into email_templates (name, subject, text) values
  ('warning_balance_email', 'Your balance is low', E'Dear <%= first_name %> <%= last_name %>,\n\nthe balance of your account <%= username %> is <%= balance %> <%= currency %>, below <%= warning_balance %> <%= currency %>.\n\n<%= company %>\n'),
  ('warning_balance_email_local', 'Balance of <%= username %> is low', E'The balance of <%= username %> (<%= first_name %> <%= last_name %>) is <%= balance %> <%= currency %>, below <%= warning_balance %> <%= currency %>.\n\n<%= date %>\n');
