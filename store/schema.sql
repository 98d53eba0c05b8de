-- Written by test/store/schema-dump.ts from the migrations; a test compares.

create domain call_limit as integer CHECK (((VALUE >= 0) AND (VALUE <= 1000000)));
create domain caller_id_name as text CHECK (((VALUE !~ '[[:cntrl:]"\\]'::text) AND (length(VALUE) <= 80)));
create domain caller_id_number as text CHECK ((VALUE ~ '^[0-9A-Za-z+*#._-]{0,40}$'::text));
create domain codec_list as text[] CHECK ((array_to_string(VALUE, ','::text) ~ '^[a-z0-9]{1,20}(,[a-z0-9]{1,20}){0,15}$'::text));
create domain email_list as text CHECK (((length(VALUE) <= 1000) AND (VALUE ~ '^$|^[^[:space:][:cntrl:]@;,<>"]{1,64}@[A-Za-z0-9.-]{1,250}( *; *[^[:space:][:cntrl:]@;,<>"]{1,64}@[A-Za-z0-9.-]{1,250})*$'::text)));
create domain end_codes as integer[] CHECK (are_end_codes(VALUE));
create domain host_name as text CHECK ((VALUE ~ '^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$'::text));
create domain label as text CHECK (((VALUE !~ '[[:cntrl:]]'::text) AND (length(VALUE) <= 200)));
create domain list_mode as text CHECK ((VALUE = ANY (ARRAY['no'::text, 'blacklist'::text, 'whitelist'::text])));
create domain money_amount as numeric(24,10) CHECK (((VALUE > '-1000000000000'::numeric) AND (VALUE < '1000000000000'::numeric)));
create domain name_text as text CHECK (((VALUE !~ '[[:cntrl:]]'::text) AND (VALUE = btrim(VALUE)) AND ((length(VALUE) >= 1) AND (length(VALUE) <= 100))));
create domain number_part as text CHECK ((VALUE ~ '^[0-9A-Za-z+*#]{0,40}$'::text));
create domain seconds as integer CHECK (((VALUE >= 0) AND (VALUE <= 604800)));
create domain time_zone as text CHECK (is_time_zone(VALUE));
create domain transformation as text CHECK (((length(VALUE) <= 255) AND (VALUE !~ '[[:cntrl:]]'::text)));

create table balance_ledger (
  account text not null,
  account_id integer not null,
  version bigint not null,
  amount money_amount not null,
  balance_after money_amount not null,
  cause text not null,
  reference label default ''::text not null,
  at timestamp with time zone default now() not null,
  note label default ''::text not null,
  constraint balance_ledger_account_id_not_null NOT NULL account_id,
  constraint balance_ledger_account_not_null NOT NULL account,
  constraint balance_ledger_amount_not_null NOT NULL amount,
  constraint balance_ledger_at_not_null NOT NULL at,
  constraint balance_ledger_balance_after_not_null NOT NULL balance_after,
  constraint balance_ledger_cause_not_null NOT NULL cause,
  constraint balance_ledger_note_not_null NOT NULL note,
  constraint balance_ledger_pkey PRIMARY KEY (account, account_id, version),
  constraint balance_ledger_reference_not_null NOT NULL reference,
  constraint balance_ledger_version_not_null NOT NULL version,
  constraint balance_ledger_account_check CHECK ((account = ANY (ARRAY['user'::text, 'provider'::text]))),
  constraint balance_ledger_amount_check CHECK (((amount)::numeric <> (0)::numeric)),
  constraint balance_ledger_cause_check CHECK ((cause = ANY (ARRAY['call'::text, 'did'::text, 'flash_call'::text, 'payment'::text, 'opening'::text, 'adjustment'::text, 'import'::text, 'subscription'::text, 'fee'::text, 'correction'::text, 'rerate'::text]))),
  constraint balance_ledger_version_check CHECK ((version >= 1))
);
CREATE INDEX balance_ledger_at ON public.balance_ledger USING brin (at);
CREATE UNIQUE INDEX balance_ledger_once ON public.balance_ledger USING btree (account, account_id, cause, reference) WHERE (((reference)::text <> ''::text) AND (cause <> ALL (ARRAY['call'::text, 'did'::text, 'flash_call'::text, 'rerate'::text])));
CREATE TRIGGER ledger_applied AFTER INSERT ON public.balance_ledger REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger_applied();
CREATE TRIGGER ledger_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON public.balance_ledger FOR EACH STATEMENT EXECUTE FUNCTION ledger_stays();

create table blacklist_lcrs (
  user_id integer not null,
  threshold integer not null,
  lcr_id integer not null,
  constraint blacklist_lcrs_lcr_id_fkey FOREIGN KEY (lcr_id) REFERENCES lcrs(id),
  constraint blacklist_lcrs_lcr_id_not_null NOT NULL lcr_id,
  constraint blacklist_lcrs_pkey PRIMARY KEY (user_id, threshold),
  constraint blacklist_lcrs_threshold_not_null NOT NULL threshold,
  constraint blacklist_lcrs_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint blacklist_lcrs_user_id_not_null NOT NULL user_id,
  constraint threshold_is_from_1_to_1000000 CHECK (((threshold >= 1) AND (threshold <= 1000000)))
);
CREATE INDEX blacklist_lcrs_lcr ON public.blacklist_lcrs USING btree (lcr_id);
CREATE TRIGGER at_most_three AFTER INSERT OR UPDATE OF user_id ON public.blacklist_lcrs FOR EACH ROW EXECUTE FUNCTION at_most_three_thresholds();
CREATE TRIGGER follow_delete AFTER DELETE ON public.blacklist_lcrs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('users', 'user_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.blacklist_lcrs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('users', 'user_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.blacklist_lcrs FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('users');
CREATE TRIGGER follow_update AFTER UPDATE ON public.blacklist_lcrs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('users', 'user_id');

create table blacklist_scores (
  id integer generated by default as identity not null,
  item text not null,
  score integer not null,
  constraint blacklist_scores_id_not_null NOT NULL id,
  constraint blacklist_scores_item_key UNIQUE (item),
  constraint blacklist_scores_item_not_null NOT NULL item,
  constraint blacklist_scores_pkey PRIMARY KEY (id),
  constraint blacklist_scores_score_not_null NOT NULL score,
  constraint score_is_from_0_to_1000000 CHECK (((score >= 0) AND (score <= 1000000))),
  constraint score_is_of_a_source_a_destination_or_an_ip CHECK (((item ~ '^(source|destination):[0-9a-z*#._-]{1,80}$'::text) OR ((item ~ '^ip:[0-9a-f.:]{2,45}$'::text) AND (item = ('ip:'::text || host((substr(item, 4))::inet))))))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.blacklist_scores REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('blacklist_scores', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.blacklist_scores REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('blacklist_scores', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.blacklist_scores FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('blacklist_scores');
CREATE TRIGGER follow_update AFTER UPDATE ON public.blacklist_scores REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('blacklist_scores', 'id');

create table calls (
  uniqueid text not null,
  attempt smallint not null,
  calldate timestamp with time zone not null,
  final boolean not null,
  answer_time timestamp with time zone,
  end_time timestamp with time zone not null,
  direction text not null,
  server_id integer not null,
  clid text default ''::text not null,
  src text default ''::text not null,
  dst text default ''::text not null,
  localized_dst text default ''::text not null,
  user_id integer,
  reseller_id integer,
  partner_id integer,
  device_id integer,
  dst_user_id integer,
  dst_device_id integer,
  provider_id integer,
  did_provider_id integer,
  did_id integer,
  prefix text default ''::text not null,
  destination_id integer,
  disposition text not null,
  hangup_cause smallint not null,
  sip_code smallint,
  duration_ms integer not null,
  bill_ms integer not null,
  billsec integer not null,
  pdd_ms integer,
  terminated_by text not null,
  end_source text not null,
  flash_call boolean default false not null,
  originator_codec text default ''::text not null,
  terminator_codec text default ''::text not null,
  originator_call_id text default ''::text not null,
  terminator_call_id text default ''::text not null,
  originator_ip text default ''::text not null,
  catalog_version bigint default 0 not null,
  provider_rate money_amount,
  provider_billsec integer,
  provider_price money_amount,
  partner_rate money_amount,
  partner_billsec integer,
  partner_price money_amount,
  reseller_rate money_amount,
  reseller_billsec integer,
  reseller_price money_amount,
  user_rate money_amount,
  user_billsec integer,
  user_price money_amount,
  did_rate money_amount,
  did_billsec integer,
  did_price money_amount,
  did_inc_rate money_amount,
  did_inc_billsec integer,
  did_inc_price money_amount,
  did_prov_rate money_amount,
  did_prov_billsec integer,
  did_prov_price money_amount,
  captured jsonb,
  user_currency text,
  user_exchange_rate numeric(24,15),
  privacy smallint default 0 not null,
  tp_src text default ''::text not null,
  userfield text default ''::text not null,
  callback_uniqueid text,
  settled_at timestamp with time zone default now() not null,
  constraint calls_attempt_not_null NOT NULL attempt,
  constraint calls_bill_ms_not_null NOT NULL bill_ms,
  constraint calls_billsec_not_null NOT NULL billsec,
  constraint calls_calldate_not_null NOT NULL calldate,
  constraint calls_catalog_version_not_null NOT NULL catalog_version,
  constraint calls_clid_not_null NOT NULL clid,
  constraint calls_direction_not_null NOT NULL direction,
  constraint calls_disposition_not_null NOT NULL disposition,
  constraint calls_dst_not_null NOT NULL dst,
  constraint calls_duration_ms_not_null NOT NULL duration_ms,
  constraint calls_end_source_not_null NOT NULL end_source,
  constraint calls_end_time_not_null NOT NULL end_time,
  constraint calls_final_not_null NOT NULL final,
  constraint calls_flash_call_not_null NOT NULL flash_call,
  constraint calls_hangup_cause_not_null NOT NULL hangup_cause,
  constraint calls_localized_dst_not_null NOT NULL localized_dst,
  constraint calls_originator_call_id_not_null NOT NULL originator_call_id,
  constraint calls_originator_codec_not_null NOT NULL originator_codec,
  constraint calls_originator_ip_not_null NOT NULL originator_ip,
  constraint calls_pkey PRIMARY KEY (uniqueid, attempt, calldate),
  constraint calls_prefix_not_null NOT NULL prefix,
  constraint calls_privacy_not_null NOT NULL privacy,
  constraint calls_server_id_not_null NOT NULL server_id,
  constraint calls_settled_at_not_null NOT NULL settled_at,
  constraint calls_src_not_null NOT NULL src,
  constraint calls_terminated_by_not_null NOT NULL terminated_by,
  constraint calls_terminator_call_id_not_null NOT NULL terminator_call_id,
  constraint calls_terminator_codec_not_null NOT NULL terminator_codec,
  constraint calls_tp_src_not_null NOT NULL tp_src,
  constraint calls_uniqueid_not_null NOT NULL uniqueid,
  constraint calls_userfield_not_null NOT NULL userfield,
  constraint calls_attempt_check CHECK ((attempt >= 1)),
  constraint calls_bill_ms_check CHECK ((bill_ms >= 0)),
  constraint calls_billsec_check CHECK ((billsec >= 0)),
  constraint calls_direction_check CHECK ((direction = ANY (ARRAY['outbound'::text, 'inbound'::text, 'local'::text]))),
  constraint calls_disposition_check CHECK ((disposition = ANY (ARRAY['ANSWERED'::text, 'NO ANSWER'::text, 'BUSY'::text, 'FAILED'::text]))),
  constraint calls_duration_ms_check CHECK ((duration_ms >= 0)),
  constraint calls_end_source_check CHECK ((end_source = ANY (ARRAY['event'::text, 'witness'::text, 'estimate'::text]))),
  constraint calls_hangup_cause_check CHECK (((hangup_cause >= 0) AND (hangup_cause <= 999))),
  constraint calls_pdd_ms_check CHECK ((pdd_ms >= 0)),
  constraint calls_sip_code_check CHECK (((sip_code >= 100) AND (sip_code <= 999))),
  constraint calls_terminated_by_check CHECK ((terminated_by = ANY (ARRAY['originator'::text, 'terminator'::text, 'system'::text]))),
  constraint calls_uniqueid_check CHECK (((length(uniqueid) >= 1) AND (length(uniqueid) <= 150)))
) partition by RANGE (calldate);
CREATE INDEX calls_calldate ON ONLY public.calls USING btree (calldate);
CREATE INDEX calls_user ON ONLY public.calls USING btree (user_id, calldate);

create table calls_default partition of calls DEFAULT;
CREATE INDEX calls_default_calldate_idx ON public.calls_default USING btree (calldate);
CREATE INDEX calls_default_user_id_calldate_idx ON public.calls_default USING btree (user_id, calldate);

create table changes (
  id bigint generated always as identity not null,
  xid xid8 default pg_current_xact_id() not null,
  topic text not null,
  keys text[],
  at timestamp with time zone default clock_timestamp() not null,
  constraint changes_at_not_null NOT NULL at,
  constraint changes_id_not_null NOT NULL id,
  constraint changes_pkey PRIMARY KEY (id),
  constraint changes_topic_not_null NOT NULL topic,
  constraint changes_xid_not_null NOT NULL xid
);
CREATE INDEX changes_xid ON public.changes USING btree (xid);

create table currencies (
  code text not null,
  name label default ''::text not null,
  exchange_rate numeric(24,15) not null,
  is_default boolean default false not null,
  constraint currencies_code_not_null NOT NULL code,
  constraint currencies_exchange_rate_not_null NOT NULL exchange_rate,
  constraint currencies_is_default_not_null NOT NULL is_default,
  constraint currencies_name_not_null NOT NULL name,
  constraint currencies_pkey PRIMARY KEY (code),
  constraint currencies_check CHECK (((NOT is_default) OR (exchange_rate = (1)::numeric))),
  constraint currencies_code_check CHECK ((code ~ '^[A-Z]{3}$'::text)),
  constraint currencies_exchange_rate_check CHECK ((exchange_rate > (0)::numeric))
);
CREATE UNIQUE INDEX currencies_one_default ON public.currencies USING btree (is_default) WHERE is_default;
CREATE TRIGGER follow_delete AFTER DELETE ON public.currencies REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('currencies', 'code');
CREATE TRIGGER follow_insert AFTER INSERT ON public.currencies REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('currencies', 'code');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.currencies FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('currencies');
CREATE TRIGGER follow_update AFTER UPDATE ON public.currencies REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('currencies', 'code');

create table destination_groups (
  id integer generated by default as identity not null,
  name name_text not null,
  constraint destination_groups_id_not_null NOT NULL id,
  constraint destination_groups_name_key UNIQUE (name),
  constraint destination_groups_name_not_null NOT NULL name,
  constraint destination_groups_pkey PRIMARY KEY (id)
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.destination_groups REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('destination_groups', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.destination_groups REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('destination_groups', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.destination_groups FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('destination_groups');
CREATE TRIGGER follow_update AFTER UPDATE ON public.destination_groups REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('destination_groups', 'id');

create table destinations (
  id integer generated by default as identity not null,
  prefix text not null,
  name label not null,
  direction text default ''::text not null,
  group_id integer,
  constraint destinations_direction_not_null NOT NULL direction,
  constraint destinations_group_id_fkey FOREIGN KEY (group_id) REFERENCES destination_groups(id),
  constraint destinations_id_not_null NOT NULL id,
  constraint destinations_name_not_null NOT NULL name,
  constraint destinations_pkey PRIMARY KEY (id),
  constraint destinations_prefix_key UNIQUE (prefix),
  constraint destinations_prefix_not_null NOT NULL prefix,
  constraint destinations_direction_check CHECK ((direction ~ '^[A-Za-z0-9]{0,10}$'::text)),
  constraint destinations_name_check CHECK (((name)::text <> ''::text)),
  constraint destinations_prefix_check CHECK ((prefix ~ '^[0-9]{1,15}$'::text))
);
CREATE INDEX destinations_group ON public.destinations USING btree (group_id);
CREATE TRIGGER follow_delete AFTER DELETE ON public.destinations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('destinations', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.destinations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('destinations', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.destinations FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('destinations');
CREATE TRIGGER follow_update AFTER UPDATE ON public.destinations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('destinations', 'id');

create table device_clis (
  cli text not null,
  device_id integer not null,
  constraint device_clis_cli_not_null NOT NULL cli,
  constraint device_clis_device_id_fkey FOREIGN KEY (device_id) REFERENCES devices(id) ON DELETE CASCADE,
  constraint device_clis_device_id_not_null NOT NULL device_id,
  constraint device_clis_pkey PRIMARY KEY (cli),
  constraint device_clis_cli_check CHECK ((cli ~ '^[0-9A-Za-z+*#._-]{1,40}$'::text))
);
CREATE INDEX device_clis_device ON public.device_clis USING btree (device_id);
CREATE TRIGGER follow_delete AFTER DELETE ON public.device_clis REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'device_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.device_clis REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'device_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.device_clis FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('devices');
CREATE TRIGGER follow_update AFTER UPDATE ON public.device_clis REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'device_id');

create table device_rules (
  id integer generated by default as identity not null,
  device_id integer not null,
  name name_text not null,
  applies text default 'destination'::text not null,
  cut number_part default ''::text not null,
  add number_part default ''::text not null,
  min_length smallint default 1 not null,
  max_length smallint default 99 not null,
  enabled boolean default true not null,
  constraint device_rules_add_not_null NOT NULL add,
  constraint device_rules_applies_not_null NOT NULL applies,
  constraint device_rules_cut_not_null NOT NULL cut,
  constraint device_rules_device_id_applies_cut_min_length_max_length_key UNIQUE (device_id, applies, cut, min_length, max_length),
  constraint device_rules_device_id_fkey FOREIGN KEY (device_id) REFERENCES devices(id) ON DELETE CASCADE,
  constraint device_rules_device_id_not_null NOT NULL device_id,
  constraint device_rules_enabled_not_null NOT NULL enabled,
  constraint device_rules_id_not_null NOT NULL id,
  constraint device_rules_max_length_not_null NOT NULL max_length,
  constraint device_rules_min_length_not_null NOT NULL min_length,
  constraint device_rules_name_not_null NOT NULL name,
  constraint device_rules_pkey PRIMARY KEY (id),
  constraint device_rules_applies_check CHECK ((applies = ANY (ARRAY['destination'::text, 'source'::text]))),
  constraint device_rules_max_length_check CHECK (((max_length >= 1) AND (max_length <= 99))),
  constraint device_rules_min_length_check CHECK (((min_length >= 1) AND (min_length <= 99))),
  constraint min_length_above_max_length CHECK ((min_length <= max_length)),
  constraint rule_changes_nothing CHECK ((((cut)::text <> ''::text) OR ((add)::text <> ''::text)))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.device_rules REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'device_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.device_rules REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'device_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.device_rules FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('devices');
CREATE TRIGGER follow_update AFTER UPDATE ON public.device_rules REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'device_id');

create table devices (
  id integer generated by default as identity not null,
  user_id integer not null,
  endpoint text not null,
  extension text,
  auth text default 'password'::text not null,
  secret text,
  ip inet,
  port integer,
  trunk boolean default false not null,
  blocked boolean default false not null,
  hidden boolean default false not null,
  call_limit call_limit default 0 not null,
  location_id integer default 1 not null,
  caller_id_number caller_id_number default ''::text not null,
  caller_id_name caller_id_name default ''::text not null,
  ring_timeout_s seconds default 60 not null,
  call_timeout_s seconds default 0 not null,
  grace_s seconds default 0 not null,
  server_ids integer[] default '{}'::integer[] not null,
  codecs codec_list default '{alaw,ulaw}'::text[] not null,
  dtmf_mode text default 'rfc4733'::text not null,
  nat boolean default true not null,
  comment label default ''::text not null,
  cps_limit call_limit default 0 not null,
  destination_transformation transformation default ''::text not null,
  source_transformation transformation default ''::text not null,
  tech_prefix number_part default ''::text not null,
  trunk_ani boolean default false not null,
  ban_at_calls call_limit default 0 not null,
  caller_id_pool_id integer,
  valid_caller_ids_pool_id integer,
  replacement_pool_id integer,
  constraint devices_auth_not_null NOT NULL auth,
  constraint devices_ban_at_calls_not_null NOT NULL ban_at_calls,
  constraint devices_blocked_not_null NOT NULL blocked,
  constraint devices_call_limit_not_null NOT NULL call_limit,
  constraint devices_call_timeout_s_not_null NOT NULL call_timeout_s,
  constraint devices_caller_id_name_not_null NOT NULL caller_id_name,
  constraint devices_caller_id_number_not_null NOT NULL caller_id_number,
  constraint devices_caller_id_pool_id_fkey FOREIGN KEY (caller_id_pool_id) REFERENCES number_pools(id),
  constraint devices_codecs_not_null NOT NULL codecs,
  constraint devices_comment_not_null NOT NULL comment,
  constraint devices_cps_limit_not_null NOT NULL cps_limit,
  constraint devices_destination_transformation_not_null NOT NULL destination_transformation,
  constraint devices_dtmf_mode_not_null NOT NULL dtmf_mode,
  constraint devices_endpoint_key UNIQUE (endpoint),
  constraint devices_endpoint_not_null NOT NULL endpoint,
  constraint devices_extension_key UNIQUE (extension),
  constraint devices_grace_s_not_null NOT NULL grace_s,
  constraint devices_hidden_not_null NOT NULL hidden,
  constraint devices_id_not_null NOT NULL id,
  constraint devices_id_user_id_key UNIQUE (id, user_id),
  constraint devices_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id),
  constraint devices_location_id_not_null NOT NULL location_id,
  constraint devices_nat_not_null NOT NULL nat,
  constraint devices_pkey PRIMARY KEY (id),
  constraint devices_replacement_pool_id_fkey FOREIGN KEY (replacement_pool_id) REFERENCES number_pools(id),
  constraint devices_ring_timeout_s_not_null NOT NULL ring_timeout_s,
  constraint devices_server_ids_not_null NOT NULL server_ids,
  constraint devices_source_transformation_not_null NOT NULL source_transformation,
  constraint devices_tech_prefix_not_null NOT NULL tech_prefix,
  constraint devices_trunk_ani_not_null NOT NULL trunk_ani,
  constraint devices_trunk_not_null NOT NULL trunk,
  constraint devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
  constraint devices_user_id_not_null NOT NULL user_id,
  constraint devices_valid_caller_ids_pool_id_fkey FOREIGN KEY (valid_caller_ids_pool_id) REFERENCES number_pools(id),
  constraint ban_needs_two_calls CHECK (((ban_at_calls)::integer <> 1)),
  constraint devices_auth_check CHECK ((auth = ANY (ARRAY['password'::text, 'ip'::text]))),
  constraint devices_dtmf_mode_check CHECK ((dtmf_mode = ANY (ARRAY['rfc4733'::text, 'info'::text, 'inband'::text, 'auto'::text]))),
  constraint devices_endpoint_check CHECK (((endpoint ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'::text) AND (endpoint !~ '^provider-'::text))),
  constraint devices_extension_check CHECK ((extension ~ '^[0-9*#+]{1,32}$'::text)),
  constraint devices_port_check CHECK (((port >= 1) AND (port <= 65535))),
  constraint devices_ring_timeout_s_check CHECK (((ring_timeout_s)::integer >= 1)),
  constraint devices_secret_check CHECK ((((length(secret) >= 1) AND (length(secret) <= 128)) AND (secret !~ '[[:cntrl:]]'::text))),
  constraint devices_server_ids_check CHECK ((array_position(server_ids, NULL::integer) IS NULL)),
  constraint ip_device_needs_an_ip CHECK (((auth <> 'ip'::text) OR (ip IS NOT NULL))),
  constraint one_pool_of_caller_ids_or_the_other CHECK (((caller_id_pool_id IS NULL) OR (valid_caller_ids_pool_id IS NULL))),
  constraint only_a_trunk_has_ani CHECK (((NOT trunk_ani) OR trunk)),
  constraint password_device_needs_a_password CHECK (((auth <> 'password'::text) OR (secret IS NOT NULL))),
  constraint tech_prefix_is_of_ip_devices CHECK ((((tech_prefix)::text = ''::text) OR (auth = 'ip'::text))),
  constraint valid_caller_ids_need_a_replacement_pool CHECK (((valid_caller_ids_pool_id IS NULL) = (replacement_pool_id IS NULL)))
);
CREATE INDEX devices_user ON public.devices USING btree (user_id);
CREATE UNIQUE INDEX devices_address ON public.devices USING btree (ip, COALESCE(port, 0), tech_prefix) WHERE (auth = 'ip'::text);
CREATE TRIGGER follow_delete AFTER DELETE ON public.devices REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.devices REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.devices FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('devices');
CREATE TRIGGER follow_update AFTER UPDATE ON public.devices REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('devices', 'id');

create table did_changes (
  id bigint generated by default as identity not null,
  did_id integer not null,
  at timestamp with time zone default now() not null,
  who text not null,
  from_status text,
  to_status text not null,
  user_id integer,
  constraint did_changes_at_not_null NOT NULL at,
  constraint did_changes_did_id_fkey FOREIGN KEY (did_id) REFERENCES dids(id) ON DELETE CASCADE,
  constraint did_changes_did_id_not_null NOT NULL did_id,
  constraint did_changes_id_not_null NOT NULL id,
  constraint did_changes_pkey PRIMARY KEY (id),
  constraint did_changes_to_status_not_null NOT NULL to_status,
  constraint did_changes_who_not_null NOT NULL who
);
CREATE INDEX did_changes_did ON public.did_changes USING btree (did_id, id);

create table did_devices (
  did_id integer not null,
  device_id integer not null,
  user_id integer not null,
  position smallint not null,
  constraint device_once_in_a_did UNIQUE (did_id, device_id),
  constraint did_devices_device_id_not_null NOT NULL device_id,
  constraint did_devices_did_id_not_null NOT NULL did_id,
  constraint did_devices_pkey PRIMARY KEY (did_id, "position"),
  constraint did_devices_position_not_null NOT NULL "position",
  constraint did_devices_user_id_not_null NOT NULL user_id,
  constraint further_device_belongs_to_the_user_of_the_did FOREIGN KEY (device_id, user_id) REFERENCES devices(id, user_id),
  constraint further_devices_need_the_user_of_the_did FOREIGN KEY (did_id, user_id) REFERENCES dids(id, user_id) ON DELETE CASCADE,
  constraint did_has_ten_devices_at_most CHECK ((("position" >= 2) AND ("position" <= 10)))
);
CREATE INDEX did_devices_device ON public.did_devices USING btree (device_id);
CREATE TRIGGER check_device BEFORE INSERT OR UPDATE ON public.did_devices FOR EACH ROW EXECUTE FUNCTION check_did_device();
CREATE TRIGGER follow_delete AFTER DELETE ON public.did_devices REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('dids', 'did_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.did_devices REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('dids', 'did_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.did_devices FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('dids');
CREATE TRIGGER follow_update AFTER UPDATE ON public.did_devices REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('dids', 'did_id');

create table dids (
  id integer generated by default as identity not null,
  did text not null,
  status text default 'free'::text not null,
  user_id integer,
  device_id integer,
  provider_id integer not null,
  call_limit call_limit default 0 not null,
  max_duration_s seconds default 0 not null,
  grace_s seconds default 0 not null,
  active_from timestamp with time zone,
  active_till timestamp with time zone,
  source_pool_id integer,
  provider_tariff_id integer,
  incoming_tariff_id integer,
  owner_tariff_id integer,
  status_since timestamp with time zone default now() not null,
  comment label default ''::text not null,
  cps_limit call_limit default 0 not null,
  external text,
  ring text default 'in_turn'::text not null,
  constraint device_belongs_to_the_user_of_the_did FOREIGN KEY (device_id, user_id) REFERENCES devices(id, user_id),
  constraint dids_call_limit_not_null NOT NULL call_limit,
  constraint dids_comment_not_null NOT NULL comment,
  constraint dids_cps_limit_not_null NOT NULL cps_limit,
  constraint dids_did_not_null NOT NULL did,
  constraint dids_grace_s_not_null NOT NULL grace_s,
  constraint dids_id_not_null NOT NULL id,
  constraint dids_id_user_id_key UNIQUE (id, user_id),
  constraint dids_incoming_tariff_id_fkey FOREIGN KEY (incoming_tariff_id) REFERENCES tariffs(id),
  constraint dids_max_duration_s_not_null NOT NULL max_duration_s,
  constraint dids_owner_tariff_id_fkey FOREIGN KEY (owner_tariff_id) REFERENCES tariffs(id),
  constraint dids_pkey PRIMARY KEY (id),
  constraint dids_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers(id),
  constraint dids_provider_id_not_null NOT NULL provider_id,
  constraint dids_provider_tariff_id_fkey FOREIGN KEY (provider_tariff_id) REFERENCES tariffs(id),
  constraint dids_ring_not_null NOT NULL ring,
  constraint dids_source_pool_id_fkey FOREIGN KEY (source_pool_id) REFERENCES number_pools(id),
  constraint dids_status_not_null NOT NULL status,
  constraint dids_status_since_not_null NOT NULL status_since,
  constraint dids_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
  constraint active_from_is_before_active_till CHECK ((active_from < active_till)),
  constraint device_or_external_not_both CHECK (((device_id IS NULL) OR (external IS NULL))),
  constraint did_with_a_device_needs_its_user CHECK (((device_id IS NULL) OR (user_id IS NOT NULL))),
  constraint dids_did_check CHECK (((did ~ '^[0-9][0-9A-Za-z]*\*?$'::text) AND (length(did) <= 40))),
  constraint dids_external_check CHECK ((external ~ '^SIP/[0-9A-Za-z+*#._-]{1,40}@[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(:[0-9]{1,5})?$'::text)),
  constraint dids_ring_check CHECK ((ring = ANY (ARRAY['in_turn'::text, 'at_once'::text]))),
  constraint dids_status_check CHECK ((status = ANY (ARRAY['free'::text, 'reserved'::text, 'active'::text, 'closed'::text, 'terminated'::text]))),
  constraint external_did_needs_its_user CHECK (((external IS NULL) OR (user_id IS NOT NULL))),
  constraint free_did_has_no_external CHECK (((status <> 'free'::text) OR (external IS NULL))),
  constraint free_did_has_no_user CHECK (((status <> 'free'::text) OR ((user_id IS NULL) AND (device_id IS NULL)))),
  constraint reserved_or_active_did_needs_a_user CHECK (((status <> ALL (ARRAY['reserved'::text, 'active'::text])) OR (user_id IS NOT NULL)))
);
CREATE INDEX dids_user ON public.dids USING btree (user_id);
CREATE UNIQUE INDEX dids_did ON public.dids USING btree (did) WHERE (status <> 'terminated'::text);
CREATE TRIGGER check_status BEFORE UPDATE ON public.dids FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION check_did_change();
CREATE TRIGGER drop_devices BEFORE UPDATE ON public.dids FOR EACH ROW WHEN (((new.device_id IS NULL) OR (old.user_id IS DISTINCT FROM new.user_id) OR ((old.status IS DISTINCT FROM new.status) AND (new.status = ANY (ARRAY['free'::text, 'closed'::text, 'terminated'::text]))))) EXECUTE FUNCTION drop_did_devices();
CREATE TRIGGER drop_first_device BEFORE UPDATE ON public.dids FOR EACH ROW WHEN (((old.device_id IS DISTINCT FROM new.device_id) AND (new.device_id IS NOT NULL))) EXECUTE FUNCTION drop_first_did_device();
CREATE TRIGGER follow_delete AFTER DELETE ON public.dids REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('dids', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.dids REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('dids', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.dids FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('dids');
CREATE TRIGGER follow_update AFTER UPDATE ON public.dids REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('dids', 'id');
CREATE TRIGGER note_status AFTER UPDATE ON public.dids FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION note_did_change();
CREATE TRIGGER note_status_insert AFTER INSERT ON public.dids FOR EACH ROW EXECUTE FUNCTION note_did_change();
CREATE TRIGGER stamp_status BEFORE UPDATE ON public.dids FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION stamp_did_status();
CREATE TRIGGER tariff_purpose_incoming BEFORE INSERT OR UPDATE OF incoming_tariff_id ON public.dids FOR EACH ROW EXECUTE FUNCTION check_tariff_purpose('incoming_tariff_id', 'did,user_wholesale');
CREATE TRIGGER tariff_purpose_owner BEFORE INSERT OR UPDATE OF owner_tariff_id ON public.dids FOR EACH ROW EXECUTE FUNCTION check_tariff_purpose('owner_tariff_id', 'did,user_wholesale');
CREATE TRIGGER tariff_purpose_provider BEFORE INSERT OR UPDATE OF provider_tariff_id ON public.dids FOR EACH ROW EXECUTE FUNCTION check_tariff_purpose('provider_tariff_id', 'did,provider');

create table email_templates (
  name text not null,
  subject label not null,
  text text not null,
  html text default ''::text not null,
  constraint email_templates_html_not_null NOT NULL html,
  constraint email_templates_name_not_null NOT NULL name,
  constraint email_templates_pkey PRIMARY KEY (name),
  constraint email_templates_subject_not_null NOT NULL subject,
  constraint email_templates_text_not_null NOT NULL text,
  constraint email_templates_html_check CHECK ((length(html) <= 100000)),
  constraint email_templates_name_check CHECK ((name = ANY (ARRAY['warning_balance_email'::text, 'warning_balance_email_local'::text]))),
  constraint email_templates_subject_check CHECK (((subject)::text <> ''::text)),
  constraint email_templates_text_check CHECK (((length(text) >= 1) AND (length(text) <= 20000)))
);

create table lcr_destinations (
  id integer generated by default as identity not null,
  lcr_id integer not null,
  prefix text default ''::text not null,
  name_pattern text default ''::text not null,
  group_name text default ''::text not null,
  group_ref text generated always as (NULLIF(group_name, ''::text)) stored,
  to_lcr_id integer not null,
  constraint lcr_destinations_group_name_not_null NOT NULL group_name,
  constraint lcr_destinations_group_ref_fkey FOREIGN KEY (group_ref) REFERENCES destination_groups(name),
  constraint lcr_destinations_id_not_null NOT NULL id,
  constraint lcr_destinations_lcr_id_fkey FOREIGN KEY (lcr_id) REFERENCES lcrs(id) ON DELETE CASCADE,
  constraint lcr_destinations_lcr_id_not_null NOT NULL lcr_id,
  constraint lcr_destinations_lcr_id_prefix_name_pattern_group_name_key UNIQUE (lcr_id, prefix, name_pattern, group_name),
  constraint lcr_destinations_name_pattern_not_null NOT NULL name_pattern,
  constraint lcr_destinations_pkey PRIMARY KEY (id),
  constraint lcr_destinations_prefix_not_null NOT NULL prefix,
  constraint lcr_destinations_to_lcr_id_fkey FOREIGN KEY (to_lcr_id) REFERENCES lcrs(id),
  constraint lcr_destinations_to_lcr_id_not_null NOT NULL to_lcr_id,
  constraint destination_is_a_prefix_or_a_name_or_a_group CHECK ((((((prefix <> ''::text))::integer + ((name_pattern <> ''::text))::integer) + ((group_name <> ''::text))::integer) = 1)),
  constraint lcr_destinations_name_pattern_check CHECK (((length(name_pattern) <= 100) AND (name_pattern !~ '[[:cntrl:]]'::text))),
  constraint lcr_destinations_prefix_check CHECK ((prefix ~ '^[0-9]{0,15}$'::text))
);
CREATE INDEX lcr_destinations_to_lcr ON public.lcr_destinations USING btree (to_lcr_id);
CREATE TRIGGER follow_delete AFTER DELETE ON public.lcr_destinations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'lcr_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.lcr_destinations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'lcr_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.lcr_destinations FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('lcrs');
CREATE TRIGGER follow_update AFTER UPDATE ON public.lcr_destinations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'lcr_id');

create table lcr_providers (
  lcr_id integer not null,
  provider_id integer not null,
  priority integer default 0 not null,
  percent numeric(7,3) default 0 not null,
  active boolean default true not null,
  constraint lcr_providers_active_not_null NOT NULL active,
  constraint lcr_providers_lcr_id_fkey FOREIGN KEY (lcr_id) REFERENCES lcrs(id) ON DELETE CASCADE,
  constraint lcr_providers_lcr_id_not_null NOT NULL lcr_id,
  constraint lcr_providers_percent_not_null NOT NULL percent,
  constraint lcr_providers_pkey PRIMARY KEY (lcr_id, provider_id),
  constraint lcr_providers_priority_not_null NOT NULL priority,
  constraint lcr_providers_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers(id),
  constraint lcr_providers_provider_id_not_null NOT NULL provider_id,
  constraint lcr_providers_percent_check CHECK (((percent >= (0)::numeric) AND (percent <= (100)::numeric)))
);
CREATE INDEX lcr_providers_provider ON public.lcr_providers USING btree (provider_id);
CREATE TRIGGER follow_delete AFTER DELETE ON public.lcr_providers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'lcr_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.lcr_providers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'lcr_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.lcr_providers FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('lcrs');
CREATE TRIGGER follow_update AFTER UPDATE ON public.lcr_providers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'lcr_id');

create table lcrs (
  id integer generated by default as identity not null,
  name name_text not null,
  lcr_order text default 'price'::text not null,
  price_percent_limit numeric(9,3),
  no_failover boolean default false not null,
  failover_provider_id integer,
  allow_loss_calls boolean default false not null,
  minimal_rate_margin_percent numeric(9,3) default 0 not null,
  constraint lcrs_allow_loss_calls_not_null NOT NULL allow_loss_calls,
  constraint lcrs_failover_provider_id_fkey FOREIGN KEY (failover_provider_id) REFERENCES providers(id),
  constraint lcrs_id_not_null NOT NULL id,
  constraint lcrs_lcr_order_not_null NOT NULL lcr_order,
  constraint lcrs_minimal_rate_margin_percent_not_null NOT NULL minimal_rate_margin_percent,
  constraint lcrs_name_key UNIQUE (name),
  constraint lcrs_name_not_null NOT NULL name,
  constraint lcrs_no_failover_not_null NOT NULL no_failover,
  constraint lcrs_pkey PRIMARY KEY (id),
  constraint lcrs_lcr_order_check CHECK ((lcr_order = ANY (ARRAY['price'::text, 'priority'::text, 'percent'::text, 'quality'::text]))),
  constraint lcrs_minimal_rate_margin_percent_check CHECK ((minimal_rate_margin_percent >= (0)::numeric)),
  constraint lcrs_price_percent_limit_check CHECK ((price_percent_limit >= (0)::numeric))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.lcrs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.lcrs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.lcrs FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('lcrs');
CREATE TRIGGER follow_update AFTER UPDATE ON public.lcrs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('lcrs', 'id');

create table location_rules (
  id integer generated by default as identity not null,
  location_id integer not null,
  name name_text not null,
  applies text default 'destination'::text not null,
  cut number_part default ''::text not null,
  add number_part default ''::text not null,
  min_length smallint default 1 not null,
  max_length smallint default 99 not null,
  tariff_id integer,
  lcr_id integer,
  enabled boolean default true not null,
  source_cut number_part default ''::text not null,
  source_add number_part default ''::text not null,
  source_min_length smallint default 1 not null,
  source_max_length smallint default 99 not null,
  did_id integer,
  device_id integer,
  constraint location_rules_add_not_null NOT NULL add,
  constraint location_rules_applies_not_null NOT NULL applies,
  constraint location_rules_cut_not_null NOT NULL cut,
  constraint location_rules_device_id_fkey FOREIGN KEY (device_id) REFERENCES devices(id),
  constraint location_rules_did_id_fkey FOREIGN KEY (did_id) REFERENCES dids(id),
  constraint location_rules_enabled_not_null NOT NULL enabled,
  constraint location_rules_id_not_null NOT NULL id,
  constraint location_rules_lcr_id_fkey FOREIGN KEY (lcr_id) REFERENCES lcrs(id),
  constraint location_rules_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE CASCADE,
  constraint location_rules_location_id_not_null NOT NULL location_id,
  constraint location_rules_match UNIQUE (location_id, applies, cut, min_length, max_length, source_cut, source_min_length, source_max_length),
  constraint location_rules_max_length_not_null NOT NULL max_length,
  constraint location_rules_min_length_not_null NOT NULL min_length,
  constraint location_rules_name_not_null NOT NULL name,
  constraint location_rules_pkey PRIMARY KEY (id),
  constraint location_rules_source_add_not_null NOT NULL source_add,
  constraint location_rules_source_cut_not_null NOT NULL source_cut,
  constraint location_rules_source_max_length_not_null NOT NULL source_max_length,
  constraint location_rules_source_min_length_not_null NOT NULL source_min_length,
  constraint location_rules_tariff_id_fkey FOREIGN KEY (tariff_id) REFERENCES tariffs(id),
  constraint location_rules_applies_check CHECK ((applies = ANY (ARRAY['destination'::text, 'source'::text, 'combined'::text]))),
  constraint location_rules_max_length_check CHECK (((max_length >= 1) AND (max_length <= 99))),
  constraint location_rules_min_length_check CHECK (((min_length >= 1) AND (min_length <= 99))),
  constraint location_rules_source_max_length_check CHECK (((source_max_length >= 1) AND (source_max_length <= 99))),
  constraint location_rules_source_min_length_check CHECK (((source_min_length >= 1) AND (source_min_length <= 99))),
  constraint min_length_above_max_length CHECK ((min_length <= max_length)),
  constraint only_a_combined_rule_has_a_source_part CHECK (((applies = 'combined'::text) OR (((source_cut)::text = ''::text) AND ((source_add)::text = ''::text) AND (source_min_length = 1) AND (source_max_length = 99)))),
  constraint rule_changes_nothing CHECK ((((cut)::text <> ''::text) OR ((add)::text <> ''::text) OR ((source_cut)::text <> ''::text) OR ((source_add)::text <> ''::text) OR (tariff_id IS NOT NULL) OR (lcr_id IS NOT NULL) OR (did_id IS NOT NULL) OR (device_id IS NOT NULL))),
  constraint rule_sends_to_a_did_or_a_device_not_both CHECK (((did_id IS NULL) OR (device_id IS NULL))),
  constraint source_min_length_above_source_max_length CHECK ((source_min_length <= source_max_length))
);
CREATE INDEX location_rules_device ON public.location_rules USING btree (device_id) WHERE (device_id IS NOT NULL);
CREATE INDEX location_rules_did ON public.location_rules USING btree (did_id) WHERE (did_id IS NOT NULL);
CREATE TRIGGER follow_delete AFTER DELETE ON public.location_rules REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('locations', 'location_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.location_rules REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('locations', 'location_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.location_rules FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('locations');
CREATE TRIGGER follow_update AFTER UPDATE ON public.location_rules REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('locations', 'location_id');
CREATE TRIGGER rule_did BEFORE INSERT OR UPDATE OF did_id ON public.location_rules FOR EACH ROW WHEN ((new.did_id IS NOT NULL)) EXECUTE FUNCTION check_rule_did();

create table locations (
  id integer generated by default as identity not null,
  name name_text not null,
  constraint locations_id_not_null NOT NULL id,
  constraint locations_name_key UNIQUE (name),
  constraint locations_name_not_null NOT NULL name,
  constraint locations_pkey PRIMARY KEY (id)
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.locations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('locations', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.locations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('locations', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.locations FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('locations');
CREATE TRIGGER follow_update AFTER UPDATE ON public.locations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('locations', 'id');
CREATE TRIGGER keep_global BEFORE DELETE ON public.locations FOR EACH ROW EXECUTE FUNCTION keep_global_location();
CREATE TRIGGER keep_global_id BEFORE UPDATE ON public.locations FOR EACH ROW WHEN ((old.id <> new.id)) EXECUTE FUNCTION keep_global_location();

create table number_pools (
  id integer generated by default as identity not null,
  name name_text not null,
  comment label default ''::text not null,
  constraint number_pools_comment_not_null NOT NULL comment,
  constraint number_pools_id_not_null NOT NULL id,
  constraint number_pools_name_key UNIQUE (name),
  constraint number_pools_name_not_null NOT NULL name,
  constraint number_pools_pkey PRIMARY KEY (id)
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.number_pools REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('number_pools', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.number_pools REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('number_pools', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.number_pools FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('number_pools');
CREATE TRIGGER follow_update AFTER UPDATE ON public.number_pools REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('number_pools', 'id');
CREATE TRIGGER keep_banned_callers BEFORE DELETE ON public.number_pools FOR EACH ROW WHEN ((old.id = 0)) EXECUTE FUNCTION keep_banned_callers();
CREATE TRIGGER keep_banned_id BEFORE UPDATE ON public.number_pools FOR EACH ROW WHEN (((old.id = 0) AND (new.id <> 0))) EXECUTE FUNCTION keep_banned_callers();

create table numbers (
  pool_id integer not null,
  number text not null,
  used bigint default 0 not null,
  folded text generated always as (lower((ltrim(number, '+'::text) COLLATE "C"))) stored not null,
  constraint numbers_folded_not_null NOT NULL folded,
  constraint numbers_number_not_null NOT NULL number,
  constraint numbers_pkey PRIMARY KEY (pool_id, folded),
  constraint numbers_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES number_pools(id) ON DELETE CASCADE,
  constraint numbers_pool_id_not_null NOT NULL pool_id,
  constraint numbers_used_not_null NOT NULL used,
  constraint numbers_number_check CHECK (((number ~ '^[+#]?[0-9A-Za-z*#._-]+%?$'::text) AND (length(number) <= 80))),
  constraint numbers_used_check CHECK ((used >= 0))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.numbers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_numbers();
CREATE TRIGGER follow_insert AFTER INSERT ON public.numbers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_numbers();
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.numbers FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('number_pools');
CREATE TRIGGER follow_update AFTER UPDATE ON public.numbers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_numbers();

create table provider_rules (
  id integer generated by default as identity not null,
  provider_id integer not null,
  name name_text not null,
  applies text default 'destination'::text not null,
  cut number_part default ''::text not null,
  add number_part default ''::text not null,
  min_length smallint default 1 not null,
  max_length smallint default 99 not null,
  enabled boolean default true not null,
  suffix number_part default ''::text not null,
  constraint provider_rules_add_not_null NOT NULL add,
  constraint provider_rules_applies_not_null NOT NULL applies,
  constraint provider_rules_cut_not_null NOT NULL cut,
  constraint provider_rules_enabled_not_null NOT NULL enabled,
  constraint provider_rules_id_not_null NOT NULL id,
  constraint provider_rules_max_length_not_null NOT NULL max_length,
  constraint provider_rules_min_length_not_null NOT NULL min_length,
  constraint provider_rules_name_not_null NOT NULL name,
  constraint provider_rules_pkey PRIMARY KEY (id),
  constraint provider_rules_provider_id_applies_cut_min_length_max_lengt_key UNIQUE (provider_id, applies, cut, min_length, max_length),
  constraint provider_rules_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers(id) ON DELETE CASCADE,
  constraint provider_rules_provider_id_not_null NOT NULL provider_id,
  constraint provider_rules_suffix_not_null NOT NULL suffix,
  constraint min_length_above_max_length CHECK ((min_length <= max_length)),
  constraint only_a_destination_has_a_suffix CHECK (((applies = 'destination'::text) OR ((suffix)::text = ''::text))),
  constraint provider_rules_applies_check CHECK ((applies = ANY (ARRAY['destination'::text, 'source'::text]))),
  constraint provider_rules_max_length_check CHECK (((max_length >= 1) AND (max_length <= 99))),
  constraint provider_rules_min_length_check CHECK (((min_length >= 1) AND (min_length <= 99))),
  constraint rule_changes_nothing CHECK ((((cut)::text <> ''::text) OR ((add)::text <> ''::text) OR ((suffix)::text <> ''::text)))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.provider_rules REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('providers', 'provider_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.provider_rules REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('providers', 'provider_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.provider_rules FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('providers');
CREATE TRIGGER follow_update AFTER UPDATE ON public.provider_rules REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('providers', 'provider_id');

create table provider_talk (
  provider_id integer not null,
  day date not null,
  seconds bigint not null,
  constraint provider_talk_day_not_null NOT NULL day,
  constraint provider_talk_pkey PRIMARY KEY (provider_id, day),
  constraint provider_talk_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers(id) ON DELETE CASCADE,
  constraint provider_talk_provider_id_not_null NOT NULL provider_id,
  constraint provider_talk_seconds_not_null NOT NULL seconds,
  constraint provider_talk_seconds_check CHECK ((seconds >= 0))
);

create table providers (
  id integer generated by default as identity not null,
  name name_text not null,
  host host_name not null,
  port integer default 5060 not null,
  source_ips inet[] default '{}'::inet[] not null,
  username text,
  secret text,
  register boolean default false not null,
  from_user text,
  from_domain host_name,
  tariff_id integer not null,
  active boolean default true not null,
  hidden boolean default false not null,
  balance money_amount default 0 not null,
  balance_version bigint default 0 not null,
  call_limit call_limit default 0 not null,
  cps_limit call_limit default 0 not null,
  ring_timeout_s seconds default 60 not null,
  call_timeout_s seconds default 0 not null,
  grace_s seconds default 0 not null,
  silence_ms integer,
  interpret_no_answer_as_failed boolean default false not null,
  interpret_busy_as_failed boolean default false not null,
  destination_list_mode list_mode default 'no'::text not null,
  destination_pool_id integer,
  caller_id_number caller_id_number default ''::text not null,
  caller_id_name caller_id_name default ''::text not null,
  location_id integer default 1 not null,
  server_ids integer[] default '{}'::integer[] not null,
  codecs codec_list default '{alaw,ulaw}'::text[] not null,
  dtmf_mode text default 'rfc4733'::text not null,
  nat boolean default false not null,
  comment label default ''::text not null,
  destination_transformation transformation default ''::text not null,
  source_transformation transformation default ''::text not null,
  go_on_codes end_codes default '{}'::integer[] not null,
  stop_codes end_codes default '{}'::integer[] not null,
  caller_id_pool_id integer,
  periodic_check boolean default false not null,
  periodic_check_s integer default 30 not null,
  monthly_minutes integer default 0 not null,
  daily_minutes integer default 0 not null,
  time_zone time_zone default 'UTC'::text not null,
  constraint providers_active_not_null NOT NULL active,
  constraint providers_balance_not_null NOT NULL balance,
  constraint providers_balance_version_not_null NOT NULL balance_version,
  constraint providers_call_limit_not_null NOT NULL call_limit,
  constraint providers_call_timeout_s_not_null NOT NULL call_timeout_s,
  constraint providers_caller_id_name_not_null NOT NULL caller_id_name,
  constraint providers_caller_id_number_not_null NOT NULL caller_id_number,
  constraint providers_caller_id_pool_id_fkey FOREIGN KEY (caller_id_pool_id) REFERENCES number_pools(id),
  constraint providers_codecs_not_null NOT NULL codecs,
  constraint providers_comment_not_null NOT NULL comment,
  constraint providers_cps_limit_not_null NOT NULL cps_limit,
  constraint providers_daily_minutes_not_null NOT NULL daily_minutes,
  constraint providers_destination_list_mode_not_null NOT NULL destination_list_mode,
  constraint providers_destination_pool_id_fkey FOREIGN KEY (destination_pool_id) REFERENCES number_pools(id),
  constraint providers_destination_transformation_not_null NOT NULL destination_transformation,
  constraint providers_dtmf_mode_not_null NOT NULL dtmf_mode,
  constraint providers_go_on_codes_not_null NOT NULL go_on_codes,
  constraint providers_grace_s_not_null NOT NULL grace_s,
  constraint providers_hidden_not_null NOT NULL hidden,
  constraint providers_host_not_null NOT NULL host,
  constraint providers_id_not_null NOT NULL id,
  constraint providers_interpret_busy_as_failed_not_null NOT NULL interpret_busy_as_failed,
  constraint providers_interpret_no_answer_as_failed_not_null NOT NULL interpret_no_answer_as_failed,
  constraint providers_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id),
  constraint providers_location_id_not_null NOT NULL location_id,
  constraint providers_monthly_minutes_not_null NOT NULL monthly_minutes,
  constraint providers_name_key UNIQUE (name),
  constraint providers_name_not_null NOT NULL name,
  constraint providers_nat_not_null NOT NULL nat,
  constraint providers_periodic_check_not_null NOT NULL periodic_check,
  constraint providers_periodic_check_s_not_null NOT NULL periodic_check_s,
  constraint providers_pkey PRIMARY KEY (id),
  constraint providers_port_not_null NOT NULL port,
  constraint providers_register_not_null NOT NULL register,
  constraint providers_ring_timeout_s_not_null NOT NULL ring_timeout_s,
  constraint providers_server_ids_not_null NOT NULL server_ids,
  constraint providers_source_ips_not_null NOT NULL source_ips,
  constraint providers_source_transformation_not_null NOT NULL source_transformation,
  constraint providers_stop_codes_not_null NOT NULL stop_codes,
  constraint providers_tariff_id_fkey FOREIGN KEY (tariff_id) REFERENCES tariffs(id),
  constraint providers_tariff_id_not_null NOT NULL tariff_id,
  constraint providers_time_zone_not_null NOT NULL time_zone,
  constraint code_goes_on_or_stops_not_both CHECK ((NOT ((go_on_codes)::integer[] && (stop_codes)::integer[]))),
  constraint daily_minutes_are_not_negative CHECK ((daily_minutes >= 0)),
  constraint destination_list_needs_a_pool CHECK ((((destination_list_mode)::text = 'no'::text) OR (destination_pool_id IS NOT NULL))),
  constraint monthly_minutes_are_not_negative CHECK ((monthly_minutes >= 0)),
  constraint periodic_check_within_an_hour CHECK (((periodic_check_s >= 1) AND (periodic_check_s <= 3600))),
  constraint providers_dtmf_mode_check CHECK ((dtmf_mode = ANY (ARRAY['rfc4733'::text, 'info'::text, 'inband'::text, 'auto'::text]))),
  constraint providers_from_user_check CHECK ((from_user ~ '^[A-Za-z0-9+._-]{1,64}$'::text)),
  constraint providers_port_check CHECK (((port >= 1) AND (port <= 65535))),
  constraint providers_ring_timeout_s_check CHECK (((ring_timeout_s)::integer >= 1)),
  constraint providers_secret_check CHECK ((((length(secret) >= 1) AND (length(secret) <= 128)) AND (secret !~ '[[:cntrl:]]'::text))),
  constraint providers_server_ids_check CHECK ((array_position(server_ids, NULL::integer) IS NULL)),
  constraint providers_silence_ms_check CHECK (((silence_ms >= 100) AND (silence_ms <= 600000))),
  constraint providers_username_check CHECK ((username ~ '^[A-Za-z0-9+._@-]{1,64}$'::text)),
  constraint registration_needs_username_and_password CHECK (((NOT register) OR ((username IS NOT NULL) AND (secret IS NOT NULL))))
);
CREATE TRIGGER first_version BEFORE INSERT ON public.providers FOR EACH ROW EXECUTE FUNCTION first_balance_version();
CREATE TRIGGER follow_delete AFTER DELETE ON public.providers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('providers', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.providers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('providers', 'id');
CREATE TRIGGER follow_update AFTER UPDATE ON public.providers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION note_providers_update();
CREATE TRIGGER guard_balance BEFORE UPDATE ON public.providers FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (((old.balance)::numeric <> (new.balance)::numeric) OR (old.balance_version <> new.balance_version) OR (old.id <> new.id)))) EXECUTE FUNCTION guard_balance('provider');
CREATE TRIGGER keep_ledger BEFORE DELETE ON public.providers FOR EACH ROW EXECUTE FUNCTION keep_ledger_account('provider');
CREATE TRIGGER opening_row AFTER INSERT ON public.providers FOR EACH ROW WHEN (((new.balance)::numeric <> (0)::numeric)) EXECUTE FUNCTION opening_row('provider');
CREATE TRIGGER tariff_purpose_insert BEFORE INSERT ON public.providers FOR EACH ROW EXECUTE FUNCTION check_tariff_purpose('tariff_id', 'provider');
CREATE TRIGGER tariff_purpose_update BEFORE UPDATE ON public.providers FOR EACH ROW WHEN ((old.tariff_id IS DISTINCT FROM new.tariff_id)) EXECUTE FUNCTION check_tariff_purpose('tariff_id', 'provider');

create table rates (
  tariff_id integer not null,
  prefix text not null,
  effective_from timestamp with time zone default '1970-01-01 00:00:00+00'::timestamp with time zone not null,
  day_type text default 'all'::text not null,
  start_time time(0) without time zone default '00:00:00'::time without time zone not null,
  end_time time(0) without time zone default '23:59:59'::time without time zone not null,
  rate money_amount not null,
  connection_fee money_amount default 0 not null,
  increment_s integer default 1 not null,
  min_time_s integer default 0 not null,
  blocked boolean default false not null,
  ghost_percent integer default 100 not null,
  constraint rates_blocked_not_null NOT NULL blocked,
  constraint rates_connection_fee_not_null NOT NULL connection_fee,
  constraint rates_day_type_not_null NOT NULL day_type,
  constraint rates_effective_from_not_null NOT NULL effective_from,
  constraint rates_end_time_not_null NOT NULL end_time,
  constraint rates_ghost_percent_not_null NOT NULL ghost_percent,
  constraint rates_increment_s_not_null NOT NULL increment_s,
  constraint rates_min_time_s_not_null NOT NULL min_time_s,
  constraint rates_pkey PRIMARY KEY (tariff_id, prefix, effective_from, day_type, start_time),
  constraint rates_prefix_not_null NOT NULL prefix,
  constraint rates_rate_not_null NOT NULL rate,
  constraint rates_start_time_not_null NOT NULL start_time,
  constraint rates_tariff_id_fkey FOREIGN KEY (tariff_id) REFERENCES tariffs(id) ON DELETE CASCADE,
  constraint rates_tariff_id_not_null NOT NULL tariff_id,
  constraint rates_connection_fee_check CHECK ((((connection_fee)::numeric > '-1000000'::numeric) AND ((connection_fee)::numeric < '1000000'::numeric))),
  constraint rates_day_type_check CHECK ((day_type = ANY (ARRAY['all'::text, 'work'::text, 'free'::text]))),
  constraint rates_effective_from_check CHECK (((effective_from >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (effective_from < '2200-01-01 00:00:00+00'::timestamp with time zone))),
  constraint rates_end_time_check CHECK ((end_time < '24:00:00'::time without time zone)),
  constraint rates_ghost_percent_check CHECK (((ghost_percent >= 1) AND (ghost_percent <= 10000))),
  constraint rates_increment_s_check CHECK (((increment_s >= 1) AND (increment_s <= 86400))),
  constraint rates_min_time_s_check CHECK (((min_time_s >= 0) AND (min_time_s <= 86400))),
  constraint rates_prefix_check CHECK ((prefix ~ '^[0-9]{0,15}$'::text)),
  constraint rates_rate_check CHECK ((((rate)::numeric > '-1000000'::numeric) AND ((rate)::numeric < '1000000'::numeric))),
  constraint rates_start_time_check CHECK ((start_time < '24:00:00'::time without time zone))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.rates REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'tariff_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.rates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'tariff_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.rates FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('tariffs');
CREATE TRIGGER follow_update AFTER UPDATE ON public.rates REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'tariff_id');
CREATE TRIGGER rate_signs_insert AFTER INSERT ON public.rates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_rate_signs();
CREATE TRIGGER rate_signs_update AFTER UPDATE ON public.rates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_rate_signs();
CREATE TRIGGER tariff_rows_insert AFTER INSERT ON public.rates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_tariff_rows();

create table rerate_changes (
  rerate_id integer not null,
  uniqueid text not null,
  attempt smallint not null,
  calldate timestamp with time zone not null,
  level text not null,
  account text not null,
  account_id integer not null,
  old_rate money_amount,
  old_billsec integer,
  old_price money_amount not null,
  old_captured jsonb not null,
  new_price money_amount not null,
  undone boolean default false not null,
  constraint rerate_changes_account_id_not_null NOT NULL account_id,
  constraint rerate_changes_account_not_null NOT NULL account,
  constraint rerate_changes_attempt_not_null NOT NULL attempt,
  constraint rerate_changes_calldate_not_null NOT NULL calldate,
  constraint rerate_changes_level_not_null NOT NULL level,
  constraint rerate_changes_new_price_not_null NOT NULL new_price,
  constraint rerate_changes_old_captured_not_null NOT NULL old_captured,
  constraint rerate_changes_old_price_not_null NOT NULL old_price,
  constraint rerate_changes_pkey PRIMARY KEY (rerate_id, uniqueid, attempt, calldate, level),
  constraint rerate_changes_rerate_id_fkey FOREIGN KEY (rerate_id) REFERENCES rerates(id),
  constraint rerate_changes_rerate_id_not_null NOT NULL rerate_id,
  constraint rerate_changes_undone_not_null NOT NULL undone,
  constraint rerate_changes_uniqueid_not_null NOT NULL uniqueid,
  constraint rerate_changes_account_check CHECK ((account = ANY (ARRAY['user'::text, 'provider'::text]))),
  constraint rerate_changes_level_check CHECK ((level = ANY (ARRAY['provider'::text, 'partner'::text, 'reseller'::text, 'user'::text, 'did'::text, 'didIncoming'::text, 'didProvider'::text])))
);
CREATE INDEX rerate_changes_call ON public.rerate_changes USING btree (uniqueid, level);

create table rerates (
  id integer generated always as identity not null,
  kind text not null,
  of_id integer not null,
  name label not null,
  from_at timestamp with time zone not null,
  till_at timestamp with time zone not null,
  state text default 'running'::text not null,
  started_at timestamp with time zone default now() not null,
  started_by label not null,
  applied_at timestamp with time zone,
  undone_at timestamp with time zone,
  undone_by label,
  past_calldate timestamp with time zone,
  past_uniqueid text,
  changes bigint default 0 not null,
  users_change money_amount default 0 not null,
  providers_change money_amount default 0 not null,
  constraint rerates_changes_not_null NOT NULL changes,
  constraint rerates_from_at_not_null NOT NULL from_at,
  constraint rerates_id_not_null NOT NULL id,
  constraint rerates_kind_not_null NOT NULL kind,
  constraint rerates_name_not_null NOT NULL name,
  constraint rerates_of_id_not_null NOT NULL of_id,
  constraint rerates_pkey PRIMARY KEY (id),
  constraint rerates_providers_change_not_null NOT NULL providers_change,
  constraint rerates_started_at_not_null NOT NULL started_at,
  constraint rerates_started_by_not_null NOT NULL started_by,
  constraint rerates_state_not_null NOT NULL state,
  constraint rerates_till_at_not_null NOT NULL till_at,
  constraint rerates_users_change_not_null NOT NULL users_change,
  constraint period_is_not_empty CHECK ((from_at < till_at)),
  constraint rerates_kind_check CHECK ((kind = ANY (ARRAY['user'::text, 'provider'::text, 'tariff'::text]))),
  constraint rerates_state_check CHECK ((state = ANY (ARRAY['running'::text, 'applied'::text, 'undoing'::text, 'undone'::text])))
);
CREATE UNIQUE INDEX rerates_one_unfinished ON public.rerates USING btree ((true)) WHERE (state = ANY (ARRAY['running'::text, 'undoing'::text]));

create table retail_rates (
  tariff_id integer not null,
  group_id integer not null,
  day_type text default 'all'::text not null,
  start_time time(0) without time zone default '00:00:00'::time without time zone not null,
  end_time time(0) without time zone default '23:59:59'::time without time zone not null,
  from_s integer default 1 not null,
  duration_s integer,
  type text default 'minute'::text not null,
  round_by_s integer default 1 not null,
  rate money_amount not null,
  constraint retail_rates_day_type_not_null NOT NULL day_type,
  constraint retail_rates_end_time_not_null NOT NULL end_time,
  constraint retail_rates_from_s_not_null NOT NULL from_s,
  constraint retail_rates_group_id_fkey FOREIGN KEY (group_id) REFERENCES destination_groups(id) ON DELETE CASCADE,
  constraint retail_rates_group_id_not_null NOT NULL group_id,
  constraint retail_rates_pkey PRIMARY KEY (tariff_id, group_id, day_type, start_time, from_s, type),
  constraint retail_rates_rate_not_null NOT NULL rate,
  constraint retail_rates_round_by_s_not_null NOT NULL round_by_s,
  constraint retail_rates_start_time_not_null NOT NULL start_time,
  constraint retail_rates_tariff_id_fkey FOREIGN KEY (tariff_id) REFERENCES tariffs(id) ON DELETE CASCADE,
  constraint retail_rates_tariff_id_not_null NOT NULL tariff_id,
  constraint retail_rates_type_not_null NOT NULL type,
  constraint retail_rates_day_type_check CHECK ((day_type = ANY (ARRAY['all'::text, 'work'::text, 'free'::text]))),
  constraint retail_rates_duration_s_check CHECK ((duration_s >= 1)),
  constraint retail_rates_end_time_check CHECK ((end_time < '24:00:00'::time without time zone)),
  constraint retail_rates_from_s_check CHECK ((from_s >= 1)),
  constraint retail_rates_rate_check CHECK ((((rate)::numeric >= (0)::numeric) AND ((rate)::numeric < '1000000'::numeric))),
  constraint retail_rates_round_by_s_check CHECK (((round_by_s >= 1) AND (round_by_s <= 86400))),
  constraint retail_rates_start_time_check CHECK ((start_time < '24:00:00'::time without time zone)),
  constraint retail_rates_type_check CHECK ((type = ANY (ARRAY['minute'::text, 'event'::text])))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.retail_rates REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'tariff_id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.retail_rates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'tariff_id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.retail_rates FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('tariffs');
CREATE TRIGGER follow_update AFTER UPDATE ON public.retail_rates REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'tariff_id');
CREATE TRIGGER tariff_rows_insert AFTER INSERT ON public.retail_rates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_tariff_rows();

create table settings (
  key text not null,
  value text not null,
  constraint settings_key_not_null NOT NULL key,
  constraint settings_pkey PRIMARY KEY (key),
  constraint settings_value_not_null NOT NULL value,
  constraint settings_key_check CHECK ((key ~ '^[A-Za-z][A-Za-z0-9_.]{0,99}$'::text))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.settings REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('settings', 'key');
CREATE TRIGGER follow_insert AFTER INSERT ON public.settings REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('settings', 'key');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.settings FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('settings');
CREATE TRIGGER follow_update AFTER UPDATE ON public.settings REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('settings', 'key');

create table spy_sessions (
  id uuid not null,
  server_id integer not null,
  call_id text not null,
  user_id integer not null,
  username text not null,
  ordered_by label not null,
  device text not null,
  side text not null,
  ordered_at timestamp with time zone not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  modes jsonb default '[]'::jsonb not null,
  constraint spy_sessions_call_id_not_null NOT NULL call_id,
  constraint spy_sessions_device_not_null NOT NULL device,
  constraint spy_sessions_id_not_null NOT NULL id,
  constraint spy_sessions_modes_not_null NOT NULL modes,
  constraint spy_sessions_ordered_at_not_null NOT NULL ordered_at,
  constraint spy_sessions_ordered_by_not_null NOT NULL ordered_by,
  constraint spy_sessions_pkey PRIMARY KEY (id),
  constraint spy_sessions_server_id_not_null NOT NULL server_id,
  constraint spy_sessions_side_not_null NOT NULL side,
  constraint spy_sessions_user_id_not_null NOT NULL user_id,
  constraint spy_sessions_username_not_null NOT NULL username,
  constraint spy_sessions_call_id_check CHECK (((call_id !~ '[[:cntrl:]]'::text) AND (length(call_id) <= 200))),
  constraint spy_sessions_check CHECK ((ended_at >= ordered_at)),
  constraint spy_sessions_modes_check CHECK ((jsonb_typeof(modes) = 'array'::text)),
  constraint spy_sessions_side_check CHECK ((side = ANY (ARRAY['caller'::text, 'callee'::text])))
);
CREATE INDEX spy_sessions_call ON public.spy_sessions USING btree (call_id);
CREATE INDEX spy_sessions_ordered ON public.spy_sessions USING btree (ordered_at);

create table tariffs (
  id integer generated by default as identity not null,
  name name_text not null,
  purpose text not null,
  currency text default 'USD'::text not null,
  time_zone time_zone default 'UTC'::text not null,
  free_days date[] default '{}'::date[] not null,
  window_rule text default 'start'::text not null,
  max_cost money_amount,
  max_cost_beyond text default 'free'::text not null,
  comment label default ''::text not null,
  constraint tariffs_comment_not_null NOT NULL comment,
  constraint tariffs_currency_fkey FOREIGN KEY (currency) REFERENCES currencies(code),
  constraint tariffs_currency_not_null NOT NULL currency,
  constraint tariffs_free_days_not_null NOT NULL free_days,
  constraint tariffs_id_not_null NOT NULL id,
  constraint tariffs_id_purpose_key UNIQUE (id, purpose),
  constraint tariffs_max_cost_beyond_not_null NOT NULL max_cost_beyond,
  constraint tariffs_name_key UNIQUE (name),
  constraint tariffs_name_not_null NOT NULL name,
  constraint tariffs_pkey PRIMARY KEY (id),
  constraint tariffs_purpose_not_null NOT NULL purpose,
  constraint tariffs_time_zone_not_null NOT NULL time_zone,
  constraint tariffs_window_rule_not_null NOT NULL window_rule,
  constraint tariffs_free_days_check CHECK ((array_position(free_days, NULL::date) IS NULL)),
  constraint tariffs_max_cost_beyond_check CHECK ((max_cost_beyond = ANY (ARRAY['free'::text, 'cut'::text]))),
  constraint tariffs_max_cost_check CHECK (((max_cost)::numeric >= (0)::numeric)),
  constraint tariffs_purpose_check CHECK ((purpose = ANY (ARRAY['provider'::text, 'user_wholesale'::text, 'user_retail'::text, 'did'::text]))),
  constraint tariffs_window_rule_check CHECK ((window_rule = ANY (ARRAY['start'::text, 'split'::text])))
);
CREATE TRIGGER follow_delete AFTER DELETE ON public.tariffs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.tariffs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'id');
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON public.tariffs FOR EACH STATEMENT EXECUTE FUNCTION note_truncate('tariffs');
CREATE TRIGGER follow_update AFTER UPDATE ON public.tariffs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('tariffs', 'id');
CREATE TRIGGER keep_purpose BEFORE UPDATE ON public.tariffs FOR EACH ROW WHEN ((old.purpose IS DISTINCT FROM new.purpose)) EXECUTE FUNCTION keep_tariff_purpose();

create table users (
  id integer generated by default as identity not null,
  username text not null,
  type text default 'user'::text not null,
  owner_id integer default 0 not null,
  first_name label default ''::text not null,
  last_name label default ''::text not null,
  email label default ''::text not null,
  blocked boolean default false not null,
  hidden boolean default false not null,
  postpaid boolean default false not null,
  balance money_amount default 0 not null,
  balance_version bigint default 0 not null,
  credit money_amount default 0,
  currency text default 'USD'::text not null,
  time_zone time_zone default 'UTC'::text not null,
  tariff_id integer,
  lcr_id integer,
  outbound_limit call_limit default 0 not null,
  inbound_limit call_limit default 0 not null,
  combined_limit call_limit default 0 not null,
  cps_limit call_limit default 0 not null,
  allow_loss_calls boolean default false not null,
  max_call_rate money_amount default 0 not null,
  source_list_mode list_mode default 'no'::text not null,
  source_pool_id integer,
  destination_list_mode list_mode default 'no'::text not null,
  destination_pool_id integer,
  flash_calls_enabled boolean default false not null,
  flash_call_price money_amount default 0 not null,
  flash_call_ring_ms integer default 0 not null,
  comment text default ''::text not null,
  created_at timestamp with time zone default now() not null,
  dynamic_blacklist text default 'global'::text not null,
  daily_limit money_amount default 0 not null,
  spent money_amount default 0 not null,
  spent_until timestamp with time zone default '-infinity'::timestamp with time zone not null,
  language text default ''::text not null,
  accountant_id integer,
  accountant_type text generated always as (
CASE
    WHEN (accountant_id IS NULL) THEN NULL::text
    ELSE 'accountant'::text
END) stored,
  warning_enabled boolean default false not null,
  warning_threshold money_amount default 0 not null,
  warning_mode text default 'once'::text not null,
  warning_hour smallint default 0 not null,
  warning_email email_list default ''::text not null,
  warning_webhook text default ''::text not null,
  warning_prompt text default ''::text not null,
  play_before_every_call boolean default false not null,
  warning_prompt_threshold money_amount default 0 not null,
  may_spy boolean default false not null,
  constraint responsible_accountant_is_an_accountant FOREIGN KEY (accountant_id, accountant_type) REFERENCES users(id, type),
  constraint users_allow_loss_calls_not_null NOT NULL allow_loss_calls,
  constraint users_balance_not_null NOT NULL balance,
  constraint users_balance_version_not_null NOT NULL balance_version,
  constraint users_blocked_not_null NOT NULL blocked,
  constraint users_combined_limit_not_null NOT NULL combined_limit,
  constraint users_comment_not_null NOT NULL comment,
  constraint users_cps_limit_not_null NOT NULL cps_limit,
  constraint users_created_at_not_null NOT NULL created_at,
  constraint users_currency_fkey FOREIGN KEY (currency) REFERENCES currencies(code),
  constraint users_currency_not_null NOT NULL currency,
  constraint users_daily_limit_not_null NOT NULL daily_limit,
  constraint users_destination_list_mode_not_null NOT NULL destination_list_mode,
  constraint users_destination_pool_id_fkey FOREIGN KEY (destination_pool_id) REFERENCES number_pools(id),
  constraint users_dynamic_blacklist_not_null NOT NULL dynamic_blacklist,
  constraint users_email_not_null NOT NULL email,
  constraint users_first_name_not_null NOT NULL first_name,
  constraint users_flash_call_price_not_null NOT NULL flash_call_price,
  constraint users_flash_call_ring_ms_not_null NOT NULL flash_call_ring_ms,
  constraint users_flash_calls_enabled_not_null NOT NULL flash_calls_enabled,
  constraint users_hidden_not_null NOT NULL hidden,
  constraint users_id_not_null NOT NULL id,
  constraint users_id_type UNIQUE (id, type),
  constraint users_inbound_limit_not_null NOT NULL inbound_limit,
  constraint users_language_not_null NOT NULL language,
  constraint users_last_name_not_null NOT NULL last_name,
  constraint users_lcr_id_fkey FOREIGN KEY (lcr_id) REFERENCES lcrs(id),
  constraint users_max_call_rate_not_null NOT NULL max_call_rate,
  constraint users_may_spy_not_null NOT NULL may_spy,
  constraint users_outbound_limit_not_null NOT NULL outbound_limit,
  constraint users_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id),
  constraint users_owner_id_not_null NOT NULL owner_id,
  constraint users_pkey PRIMARY KEY (id),
  constraint users_play_before_every_call_not_null NOT NULL play_before_every_call,
  constraint users_postpaid_not_null NOT NULL postpaid,
  constraint users_source_list_mode_not_null NOT NULL source_list_mode,
  constraint users_source_pool_id_fkey FOREIGN KEY (source_pool_id) REFERENCES number_pools(id),
  constraint users_spent_not_null NOT NULL spent,
  constraint users_spent_until_not_null NOT NULL spent_until,
  constraint users_tariff_id_fkey FOREIGN KEY (tariff_id) REFERENCES tariffs(id),
  constraint users_time_zone_not_null NOT NULL time_zone,
  constraint users_type_not_null NOT NULL type,
  constraint users_username_key UNIQUE (username),
  constraint users_username_not_null NOT NULL username,
  constraint users_warning_email_not_null NOT NULL warning_email,
  constraint users_warning_enabled_not_null NOT NULL warning_enabled,
  constraint users_warning_hour_not_null NOT NULL warning_hour,
  constraint users_warning_mode_not_null NOT NULL warning_mode,
  constraint users_warning_prompt_not_null NOT NULL warning_prompt,
  constraint users_warning_prompt_threshold_not_null NOT NULL warning_prompt_threshold,
  constraint users_warning_threshold_not_null NOT NULL warning_threshold,
  constraint users_warning_webhook_not_null NOT NULL warning_webhook,
  constraint accountant_is_the_admins CHECK (((type <> 'accountant'::text) OR (owner_id = 0))),
  constraint combined_limit_excludes_the_others CHECK ((((combined_limit)::integer = 0) OR (((outbound_limit)::integer = 0) AND ((inbound_limit)::integer = 0)))),
  constraint daily_limit_is_not_negative CHECK (((daily_limit)::numeric >= (0)::numeric)),
  constraint destination_list_needs_a_pool CHECK ((((destination_list_mode)::text = 'no'::text) OR (destination_pool_id IS NOT NULL))),
  constraint language_is_one_of_asterisk CHECK ((language ~ '^([a-z]{2,3}([_-][A-Za-z]{2,4})?)?$'::text)),
  constraint nobody_owns_himself CHECK (((id = owner_id) = (id = 0))),
  constraint only_postpaid_credit_is_unlimited CHECK (((credit IS NOT NULL) OR postpaid)),
  constraint only_user_0_is_admin CHECK (((id = 0) = (type = 'admin'::text))),
  constraint playing_needs_a_prompt CHECK (((NOT play_before_every_call) OR (warning_prompt <> ''::text))),
  constraint prompt_is_a_file CHECK (((warning_prompt ~ '^[A-Za-z0-9_/-]?[A-Za-z0-9_./-]{0,199}$'::text) AND (warning_prompt !~ '\.\.'::text))),
  constraint source_list_needs_a_pool CHECK ((((source_list_mode)::text = 'no'::text) OR (source_pool_id IS NOT NULL))),
  constraint spent_is_not_negative CHECK (((spent)::numeric >= (0)::numeric)),
  constraint users_credit_check CHECK (((credit)::numeric >= (0)::numeric)),
  constraint users_dynamic_blacklist_check CHECK ((dynamic_blacklist = ANY (ARRAY['off'::text, 'own'::text, 'global'::text]))),
  constraint users_flash_call_price_check CHECK ((((flash_call_price)::numeric >= (0)::numeric) AND ((flash_call_price)::numeric < '1000000'::numeric))),
  constraint users_flash_call_ring_ms_check CHECK (((flash_call_ring_ms >= 0) AND (flash_call_ring_ms <= 600000))),
  constraint users_max_call_rate_check CHECK (((max_call_rate)::numeric >= (0)::numeric)),
  constraint users_type_check CHECK ((type = ANY (ARRAY['admin'::text, 'partner'::text, 'reseller'::text, 'user'::text, 'accountant'::text]))),
  constraint users_username_check CHECK (((username !~ '[[:cntrl:]]'::text) AND (username = btrim(username)) AND ((length(username) >= 1) AND (length(username) <= 64)))),
  constraint users_warning_hour_check CHECK (((warning_hour >= 0) AND (warning_hour <= 23))),
  constraint users_warning_mode_check CHECK ((warning_mode = ANY (ARRAY['once'::text, 'daily'::text]))),
  constraint webhook_is_http CHECK (((length(warning_webhook) <= 2000) AND (warning_webhook ~ '^$|^https?://[^[:space:][:cntrl:]]+$'::text)))
);
CREATE INDEX users_accountant ON public.users USING btree (accountant_id) WHERE (accountant_id IS NOT NULL);
CREATE INDEX users_owner ON public.users USING btree (owner_id);
CREATE INDEX users_warning ON public.users USING btree (id) WHERE warning_enabled;
CREATE TRIGGER check_owner_insert BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION check_owner();
CREATE TRIGGER check_owner_update BEFORE UPDATE ON public.users FOR EACH ROW WHEN (((old.owner_id IS DISTINCT FROM new.owner_id) OR (old.type IS DISTINCT FROM new.type))) EXECUTE FUNCTION check_owner();
CREATE TRIGGER first_version BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION first_balance_version();
CREATE TRIGGER follow_delete AFTER DELETE ON public.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('users', 'id');
CREATE TRIGGER follow_delete_balances AFTER DELETE ON public.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('balances', 'id');
CREATE TRIGGER follow_insert AFTER INSERT ON public.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('users', 'id');
CREATE TRIGGER follow_insert_balances AFTER INSERT ON public.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_change('balances', 'id');
CREATE TRIGGER follow_ledger AFTER UPDATE ON public.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN ((pg_trigger_depth() > 0)) EXECUTE FUNCTION note_balances_update();
CREATE TRIGGER follow_update AFTER UPDATE ON public.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION note_users_update();
CREATE TRIGGER guard_balance BEFORE UPDATE ON public.users FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (((old.balance)::numeric <> (new.balance)::numeric) OR (old.balance_version <> new.balance_version) OR (old.id <> new.id) OR ((old.credit)::numeric IS DISTINCT FROM (new.credit)::numeric) OR (old.postpaid <> new.postpaid) OR ((old.daily_limit)::numeric <> (new.daily_limit)::numeric) OR ((old.spent)::numeric <> (new.spent)::numeric) OR (old.spent_until <> new.spent_until)))) EXECUTE FUNCTION guard_balance('user');
CREATE TRIGGER keep_ledger BEFORE DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION keep_ledger_account('user');
CREATE TRIGGER opening_row AFTER INSERT ON public.users FOR EACH ROW WHEN (((new.balance)::numeric <> (0)::numeric)) EXECUTE FUNCTION opening_row('user');
CREATE TRIGGER tariff_purpose_insert BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION check_tariff_purpose('tariff_id', 'user_wholesale,user_retail');
CREATE TRIGGER tariff_purpose_update BEFORE UPDATE ON public.users FOR EACH ROW WHEN ((old.tariff_id IS DISTINCT FROM new.tariff_id)) EXECUTE FUNCTION check_tariff_purpose('tariff_id', 'user_wholesale,user_retail');

create table warning_deliveries (
  id bigint generated always as identity not null,
  warning_id bigint not null,
  channel text not null,
  recipient text not null,
  address text not null,
  state text default 'queued'::text not null,
  attempts integer default 0 not null,
  claim uuid,
  answer text default ''::text not null,
  changed_at timestamp with time zone default now() not null,
  constraint one_delivery_an_address UNIQUE (warning_id, channel, address),
  constraint warning_deliveries_address_not_null NOT NULL address,
  constraint warning_deliveries_answer_not_null NOT NULL answer,
  constraint warning_deliveries_attempts_not_null NOT NULL attempts,
  constraint warning_deliveries_changed_at_not_null NOT NULL changed_at,
  constraint warning_deliveries_channel_not_null NOT NULL channel,
  constraint warning_deliveries_id_not_null NOT NULL id,
  constraint warning_deliveries_pkey PRIMARY KEY (id),
  constraint warning_deliveries_recipient_not_null NOT NULL recipient,
  constraint warning_deliveries_state_not_null NOT NULL state,
  constraint warning_deliveries_warning_id_fkey FOREIGN KEY (warning_id) REFERENCES warnings(id) ON DELETE CASCADE,
  constraint warning_deliveries_warning_id_not_null NOT NULL warning_id,
  constraint only_mail_is_handed CHECK (((state <> ALL (ARRAY['handed'::text, 'unknown'::text])) OR ((channel = 'mail'::text) AND (claim IS NOT NULL)))),
  constraint warning_deliveries_address_check CHECK ((((length(address) >= 1) AND (length(address) <= 2000)) AND (address !~ '[[:cntrl:]]'::text))),
  constraint warning_deliveries_attempts_check CHECK ((attempts >= 0)),
  constraint warning_deliveries_channel_check CHECK ((channel = ANY (ARRAY['mail'::text, 'webhook'::text]))),
  constraint warning_deliveries_recipient_check CHECK ((recipient = ANY (ARRAY['user'::text, 'admin'::text, 'accountant'::text, 'reseller'::text, 'webhook'::text]))),
  constraint warning_deliveries_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'handed'::text, 'sent'::text, 'failed'::text, 'unknown'::text])))
);
CREATE INDEX warning_deliveries_lost ON public.warning_deliveries USING btree (changed_at) WHERE (state = ANY (ARRAY['failed'::text, 'unknown'::text]));
CREATE INDEX warning_deliveries_open ON public.warning_deliveries USING btree (id) WHERE (state = ANY (ARRAY['queued'::text, 'handed'::text]));

create table warning_states (
  user_id integer not null,
  arming integer default 0 not null,
  warned boolean default false not null,
  version bigint default 0 not null,
  constraint warning_states_arming_not_null NOT NULL arming,
  constraint warning_states_pkey PRIMARY KEY (user_id),
  constraint warning_states_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint warning_states_user_id_not_null NOT NULL user_id,
  constraint warning_states_version_not_null NOT NULL version,
  constraint warning_states_warned_not_null NOT NULL warned,
  constraint warning_states_arming_check CHECK ((arming >= 0)),
  constraint warning_states_version_check CHECK ((version >= 0))
);

create table warning_sweeps (
  only_one boolean default true not null,
  at timestamp with time zone not null,
  constraint warning_sweeps_at_not_null NOT NULL at,
  constraint warning_sweeps_only_one_not_null NOT NULL only_one,
  constraint warning_sweeps_pkey PRIMARY KEY (only_one),
  constraint warning_sweeps_only_one_check CHECK (only_one)
);

create table warnings (
  id bigint generated always as identity not null,
  user_id integer not null,
  mode text not null,
  occasion text not null,
  balance money_amount not null,
  threshold money_amount not null,
  at timestamp with time zone default now() not null,
  constraint one_warning_an_occasion UNIQUE (user_id, mode, occasion),
  constraint warnings_at_not_null NOT NULL at,
  constraint warnings_balance_not_null NOT NULL balance,
  constraint warnings_id_not_null NOT NULL id,
  constraint warnings_mode_not_null NOT NULL mode,
  constraint warnings_occasion_not_null NOT NULL occasion,
  constraint warnings_pkey PRIMARY KEY (id),
  constraint warnings_threshold_not_null NOT NULL threshold,
  constraint warnings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint warnings_user_id_not_null NOT NULL user_id,
  constraint warnings_mode_check CHECK ((mode = ANY (ARRAY['once'::text, 'daily'::text]))),
  constraint warnings_occasion_check CHECK ((occasion ~ '^[0-9-]{1,20}$'::text))
);
CREATE INDEX warnings_at ON public.warnings USING btree (at);

CREATE OR REPLACE FUNCTION public.account_rank(type text)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case type when 'admin' then 3 when 'partner' then 2 when 'reseller' then 1 else 0 end
$function$
;

CREATE OR REPLACE FUNCTION public.are_end_codes(codes integer[])
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select cardinality(codes) <= 100 and coalesce(bool_and(coalesce(code between 1 and 127 or code between 300 and 699, false)), true) from unnest(codes) code
$function$
;

CREATE OR REPLACE FUNCTION public.at_most_three_thresholds()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform from users where id = new.user_id for no key update;
  if (select count(*) from blacklist_lcrs where user_id = new.user_id) > 3 then
    raise check_violation using message = 'a user has at most three thresholds', constraint = 'a_user_has_at_most_three_thresholds';
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.change_balance(kind text, id integer, change numeric, why text, ref text DEFAULT ''::text, remark text DEFAULT ''::text)
 RETURNS balance_ledger
 LANGUAGE plpgsql
AS $function$
declare
  result balance_ledger;
  held record;
begin
  if change is null or change = 'NaN' or abs(change) >= 1000000000000 then raise check_violation using message = format('%s is no amount of money', coalesce(change::text, 'nothing')); end if;
  if change <> round(change, 10) then raise check_violation using message = format('%s has more than ten decimals', change); end if;
  if kind = 'user' then select u.balance, u.balance_version into held from users u where u.id = change_balance.id for no key update;
  else select p.balance, p.balance_version into held from providers p where p.id = change_balance.id for no key update;
  end if;
  if held is null then raise foreign_key_violation using message = format('there is no %s %s', kind, id); end if;
  if ref <> '' then
    select l.* into result from balance_ledger l where l.account = kind and l.account_id = id and l.cause = why and l.reference = ref;
    if found and result.amount <> change then
      raise unique_violation using message = format('reference "%s" was booked with %s on %s; %s is not booked', ref, trim_scale(result.amount), to_char(result.at, 'YYYY-MM-DD HH24:MI:SS TZ'), trim_scale(change));
    end if;
    if found then return result; end if;
  end if;
  insert into balance_ledger (account, account_id, version, amount, balance_after, cause, reference, note)
  values (kind, id, held.balance_version + 1, change, held.balance + change, why, ref, remark) returning * into result;
  return result;
end $function$
;

CREATE OR REPLACE FUNCTION public.check_did_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if not did_change_allowed(old.status, new.status) then
    raise check_violation using message = format('DID %s is %s and cannot become %s', old.did, old.status, new.status);
  end if;
  if old.status = 'closed' and new.status = 'active' and new.user_id is distinct from old.user_id then
    raise check_violation using message = format('DID %s is kept for user %s: free it before another one has it', old.did, old.user_id);
  end if;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.check_did_device()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  first integer;
begin
  -- Locked, so that the first device does not change at the same time.
  select d.user_id, d.device_id into new.user_id, first from dids d where d.id = new.did_id for share;
  if first is null then
    raise check_violation using message = format('DID %s has no first device, and so no further one', new.did_id);
  end if;
  if first = new.device_id then
    raise check_violation using message = format('device %s is the first one of DID %s already', new.device_id, new.did_id);
  end if;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.check_owner()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  owner_type text;
begin
  if new.id = 0 then return new; end if;
  select type into owner_type from users where id = new.owner_id for key share;
  -- An owner who is not there is the foreign key's business.
  if owner_type is not null and account_rank(owner_type) <= account_rank(new.type) then
    raise check_violation using message = format('user %s (%s) cannot own user %s (%s)', new.owner_id, owner_type, new.id, new.type);
  end if;
  if tg_op = 'UPDATE' and exists (select from users where owner_id = new.id and account_rank(type) >= account_rank(new.type)) then
    raise check_violation using message = format('user %s owns accounts that a %s cannot own', new.id, new.type);
  end if;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.check_rate_signs()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  bad record;
begin
  select r.tariff_id, r.prefix into bad from new_rows r join tariffs t on t.id = r.tariff_id
    where (r.rate < 0 or r.connection_fee < 0) and t.purpose <> 'did' limit 1;
  if found then
    raise check_violation using message = format('rate below 0 in tariff %s, prefix "%s": only rates of DIDs may pay the other side; -1 means blocked', bad.tariff_id, bad.prefix);
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.check_rule_did()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  named text;
begin
  select did into named from dids where id = new.did_id;
  if named like '%*' then
    raise check_violation using message = format('rule %s: DID %s is a wildcard, and a rule sends to one number; name a DID without *', new.name, named);
  end if;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.check_tariff_purpose()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  named integer := (to_jsonb(new) ->> tg_argv[0])::integer;
  found_purpose text;
begin
  if named is null then return new; end if;
  select purpose into found_purpose from tariffs where id = named;
  if found_purpose <> all (string_to_array(tg_argv[1], ',')) then
    raise check_violation using message = format('%s %s: tariff %s is a %s tariff, not %s', tg_table_name, tg_argv[0], named, found_purpose, replace(tg_argv[1], ',', ' or '));
  end if;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.check_tariff_rows()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select from new_rows r join tariffs t on t.id = r.tariff_id where (t.purpose = 'user_retail') <> (tg_table_name = 'retail_rates')) then
    raise check_violation using message = 'a retail tariff holds rates of destination groups, every other tariff rates of prefixes';
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.did_change_allowed(from_status text, to_status text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select (from_status, to_status) in (
    ('free', 'reserved'), ('free', 'terminated'), ('reserved', 'active'), ('reserved', 'free'), ('active', 'closed'),
    ('closed', 'active'), ('closed', 'free'), ('closed', 'terminated'), ('terminated', 'free'))
$function$
;

CREATE OR REPLACE FUNCTION public.drop_did_devices()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  delete from did_devices where did_id = new.id;
  if new.status = 'free' and old.status <> 'free' then new.ring := 'in_turn'; end if;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.drop_first_did_device()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  delete from did_devices where did_id = new.id and device_id = new.device_id;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.end_of_day(zone text)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  select (date_trunc('day', now() at time zone zone) + interval '1 day') at time zone zone
$function$
;

CREATE OR REPLACE FUNCTION public.first_balance_version()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.balance_version := case when new.balance = 0 then 0 else 1 end;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.follow_table(followed regclass, topic text, key text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  execute format('create trigger follow_insert after insert on %s referencing new table as new_rows for each statement execute function note_change(%L, %L)', followed, topic, key);
  execute format('create trigger follow_update after update on %s referencing old table as old_rows new table as new_rows for each statement execute function note_change(%L, %L)', followed, topic, key);
  execute format('create trigger follow_delete after delete on %s referencing old table as old_rows for each statement execute function note_change(%L, %L)', followed, topic, key);
  execute format('create trigger follow_truncate after truncate on %s for each statement execute function note_truncate(%L)', followed, topic);
end $function$
;

CREATE OR REPLACE FUNCTION public.free_closed_dids(closed_for interval)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  freed integer;
begin
  update dids set status = 'free', user_id = null, device_id = null, external = null
  where status = 'closed' and status_since < now() - closed_for;
  get diagnostics freed = row_count;
  return freed;
end $function$
;

CREATE OR REPLACE FUNCTION public.guard_balance()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.id <> old.id then raise check_violation using message = 'the id of an account with a ledger stays'; end if;
  if new.balance_version <> old.balance_version then raise check_violation using message = 'balance_version is counted by the ledger'; end if;
  new.balance_version := old.balance_version + 1;
  if new.balance <> old.balance then
    perform write_ledger_row(tg_argv[0], new.id, new.balance_version, new.balance - old.balance, new.balance, 'adjustment');
  end if;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.is_time_zone(zone text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  perform now() at time zone zone;
  return true;
exception when invalid_parameter_value then
  return false;
end $function$
;

CREATE OR REPLACE FUNCTION public.keep_banned_callers()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the pool of banned CallerIDs (id 0) stays: delete its numbers instead' using errcode = 'check_violation';
end $function$
;

CREATE OR REPLACE FUNCTION public.keep_global_location()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.id = 1 then raise check_violation using message = 'location 1 (Global) serves every device and stays'; end if;
  return coalesce(new, old);
end $function$
;

CREATE OR REPLACE FUNCTION public.keep_ledger_account()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select from balance_ledger where account = tg_argv[0] and account_id = old.id) then
    raise foreign_key_violation using message = format('%s %s has ledger rows; block or hide it instead of deleting it', tg_argv[0], old.id);
  end if;
  return old;
end $function$
;

CREATE OR REPLACE FUNCTION public.keep_tariff_purpose()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select from rates where tariff_id = old.id) or exists (select from retail_rates where tariff_id = old.id) then
    raise check_violation using message = format('tariff "%s" has rates; its purpose stays %s', old.name, old.purpose);
  end if;
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.ledger_applied()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  s record;
  moved bigint;
begin
  -- Written for a balance that has moved already.
  if pg_trigger_depth() > 1 then return null; end if;
  for s in
    select account, array_agg(account_id) ids, array_agg(total) totals, array_agg(charge) charges, array_agg(low) lows, array_agg(high) highs, array_agg(n) counts, array_agg(last) lasts
    from (select account, account_id, sum(amount) total, min(version) low, max(version) high, count(*) n,
            coalesce(sum(-amount) filter (where amount < 0 and cause in ('call', 'did', 'flash_call')), 0) charge,
            -- Arrays are compared by their first elements first: that of the highest version.
            (max(array[version::numeric, balance_after]))[2] last
          from new_rows group by account_id, account) a
    group by account
  loop
    if s.account = 'user' then moved := ledger_apply_users(s.ids, s.totals, s.charges, s.lows, s.highs, s.counts, s.lasts);
    else moved := ledger_apply_providers(s.ids, s.totals, s.lows, s.highs, s.counts, s.lasts);
    end if;
    if moved <> cardinality(s.ids) then
      raise check_violation using message = format('ledger rows do not continue the balance of every %s of %s', s.account, s.ids);
    end if;
  end loop;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.ledger_apply_providers(accounts integer[], totals numeric[], lows bigint[], highs bigint[], counts bigint[], lasts numeric[])
 RETURNS bigint
 LANGUAGE sql
AS $function$
  with moved as (
    update providers u set balance = s.last, balance_version = s.high
    from unnest(accounts, totals, lows, highs, counts, lasts) s (id, total, low, high, n, last)
    where u.id = s.id and s.low = u.balance_version + 1 and s.n = s.high - s.low + 1 and s.last = u.balance + s.total
    returning 1)
  select count(*) from moved
$function$
;

CREATE OR REPLACE FUNCTION public.ledger_apply_users(accounts integer[], totals numeric[], charges numeric[], lows bigint[], highs bigint[], counts bigint[], lasts numeric[])
 RETURNS bigint
 LANGUAGE sql
AS $function$
  with moved as (
    update users u set balance = s.last, balance_version = s.high,
      spent = case when now() < u.spent_until then u.spent + s.charge else s.charge end,
      spent_until = end_of_day(u.time_zone)
    from unnest(accounts, totals, charges, lows, highs, counts, lasts) s (id, total, charge, low, high, n, last)
    where u.id = s.id and s.low = u.balance_version + 1 and s.n = s.high - s.low + 1 and s.last = u.balance + s.total
    returning 1)
  select count(*) from moved
$function$
;

CREATE OR REPLACE FUNCTION public.ledger_stays()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise check_violation using message = 'rows of the ledger are never changed; write a correcting row';
end $function$
;

CREATE OR REPLACE FUNCTION public.make_call_partition(month date)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
declare
  first_day timestamp := date_trunc('month', month::timestamp);
  from_at timestamptz := first_day at time zone 'UTC';
  till_at timestamptz := (first_day + interval '1 month') at time zone 'UTC';
  part text := 'calls_' || to_char(first_day, 'YYYY_MM');
begin
  -- Two makers at once would both find it missing.
  perform pg_advisory_xact_lock(hashtext('tollgate'), hashtext('call partitions'));
  if to_regclass(part) is not null then return false; end if;
  execute format('create table %I (like calls including defaults including constraints)', part);
  execute format('with moved as (delete from calls_default where calldate >= %L and calldate < %L returning *) insert into %I select * from moved', from_at, till_at, part);
  execute format('alter table calls attach partition %I for values from (%L) to (%L)', part, from_at, till_at);
  return true;
end $function$
;

CREATE OR REPLACE FUNCTION public.note_balances_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changed('balances', coalesce((select array_agg(id::text) from new_rows), '{}'));
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.note_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  source text := case tg_op
    when 'INSERT' then 'select %1$I as k from new_rows'
    when 'DELETE' then 'select %1$I as k from old_rows'
    else 'select %1$I as k from new_rows union all select %1$I from old_rows' end;
  keys text[];
begin
  execute 'select array_agg(distinct k::text) from (' || format(source, tg_argv[1]) || ') s where k is not null' into keys;
  perform note_changed(tg_argv[0], coalesce(keys, '{}'));
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.note_changed(topic text, keys text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  named text[] := case when cardinality(keys) <= 5000 then keys end;
  payload text := topic || ':' || array_to_string(keys, ',');
begin
  if cardinality(keys) = 0 then return; end if;
  insert into changes (topic, keys) values (topic, named);
  -- A payload holds 8,000 bytes at most.
  if cardinality(keys) > 100 or octet_length(payload) > 7000 then payload := topic || ':*'; end if;
  perform pg_notify('tollgate_change', payload);
end $function$
;

CREATE OR REPLACE FUNCTION public.note_did_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into did_changes (did_id, who, from_status, to_status, user_id)
  values (new.id, coalesce(nullif(current_setting('tollgate.who', true), ''), session_user), case when tg_op = 'UPDATE' then old.status end, new.status,
    case when tg_op = 'UPDATE' then coalesce(new.user_id, old.user_id) else new.user_id end);
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.note_numbers()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  source text := case tg_op
    when 'INSERT' then 'select pool_id, folded from new_rows'
    when 'DELETE' then 'select pool_id, folded from old_rows'
    else '(select pool_id, folded, number from new_rows except select pool_id, folded, number from old_rows)
      union (select pool_id, folded, number from old_rows except select pool_id, folded, number from new_rows)' end;
  keys text[];
begin
  -- Many are read together with the whole pool; one more than that is enough to know that there are too many.
  execute 'select array_agg(distinct pool_id || '':'' || folded) from (select distinct pool_id, folded from (' || source || ') c limit 1001) s' into keys;
  if cardinality(keys) > 1000 then
    execute 'select array_agg(distinct pool_id || '':'') from (' || source || ') c' into keys;
  end if;
  perform note_changed('number_pools', coalesce(keys, '{}'));
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.note_providers_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  other text[];
begin
  select array_agg(n.id::text) filter (where providers_differ(o, n)) into other from old_rows o join new_rows n using (id);
  perform note_changed('providers', coalesce(other, '{}'));
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.note_truncate()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into changes (topic, keys) values (tg_argv[0], null);
  perform pg_notify('tollgate_change', tg_argv[0] || ':*');
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.note_users_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  spend text[];
  other text[];
begin
  select array_agg(n.id::text) filter (where n.balance_version <> o.balance_version), array_agg(n.id::text) filter (where users_differ(o, n))
    into spend, other from old_rows o join new_rows n using (id);
  perform note_changed('balances', coalesce(spend, '{}'));
  perform note_changed('users', coalesce(other, '{}'));
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.opening_row()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform write_ledger_row(tg_argv[0], new.id, 1, new.balance, new.balance, 'opening');
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.providers_differ(o providers, n providers)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
  n.balance := o.balance;
  n.balance_version := o.balance_version;
  return n is distinct from o;
end $function$
;

CREATE OR REPLACE FUNCTION public.stamp_did_status()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.status_since := now();
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.users_differ(o users, n users)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
  n.balance := o.balance;
  n.balance_version := o.balance_version;
  n.spent := o.spent;
  n.spent_until := o.spent_until;
  return n is distinct from o;
end $function$
;

CREATE OR REPLACE FUNCTION public.write_ledger_row(kind text, id integer, at_version bigint, change numeric, after numeric, usual_cause text)
 RETURNS void
 LANGUAGE sql
AS $function$
  insert into balance_ledger (account, account_id, version, amount, balance_after, cause, reference)
  values (kind, id, at_version, change, after, coalesce(nullif(current_setting('tollgate.cause', true), ''), usual_cause), coalesce(current_setting('tollgate.reference', true), ''))
$function$
;
