-- Warning Balance: whom it is told that a user's balance is low, when, and how.

-- Addresses apart by semicolons, as in the documents; '' none.
create domain email_list as text check (length(value) <= 1000 and value ~ '^$|^[^[:space:][:cntrl:]@;,<>"]{1,64}@[A-Za-z0-9.-]{1,250}( *; *[^[:space:][:cntrl:]@;,<>"]{1,64}@[A-Za-z0-9.-]{1,250})*$');

alter table users drop constraint users_type_check, add constraint users_type_check check (type in ('admin', 'partner', 'reseller', 'user', 'accountant'));
alter table users
  -- Of prompts, as Asterisk names it: en, pt_BR; '': Asterisk's own.
  add column language text not null default '' constraint language_is_one_of_asterisk check (language ~ '^([a-z]{2,3}([_-][A-Za-z]{2,4})?)?$'),
  add column accountant_id integer,
  add column accountant_type text generated always as (case when accountant_id is null then null else 'accountant' end) stored,
  add column warning_enabled boolean not null default false,
  -- Mail and webhook tell of a balance below this.
  add column warning_threshold money_amount not null default 0,
  add column warning_mode text not null default 'once' check (warning_mode in ('once', 'daily')),
  -- Of the user's day.
  add column warning_hour smallint not null default 0 check (warning_hour between 0 and 23),
  -- '': his own.
  add column warning_email email_list not null default '',
  add column warning_webhook text not null default '' constraint webhook_is_http check (length(warning_webhook) <= 2000 and warning_webhook ~ '^$|^https?://[^[:space:][:cntrl:]]+$'),
  -- A sound of Asterisk without its extension.
  add column warning_prompt text not null default '' constraint prompt_is_a_file check (warning_prompt ~ '^[A-Za-z0-9_/-]?[A-Za-z0-9_./-]{0,199}$' and warning_prompt !~ '\.\.'),
  add column play_before_every_call boolean not null default false,
  add column warning_prompt_threshold money_amount not null default 0,
  add constraint playing_needs_a_prompt check (not play_before_every_call or warning_prompt <> ''),
  add constraint accountant_is_the_admins check (type <> 'accountant' or owner_id = 0);
alter table users add constraint users_id_type unique (id, type);
alter table users add constraint responsible_accountant_is_an_accountant foreign key (accountant_id, accountant_type) references users (id, type);
create index users_accountant on users (accountant_id) where accountant_id is not null;
