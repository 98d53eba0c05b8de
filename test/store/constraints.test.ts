import t from 'tap';
import { closeServers, connect, freshDatabase } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

/** What cannot be, and the word that must stand in the refusal. */
const IMPOSSIBLE: readonly (readonly [what: string, sql: string, reason: RegExp])[] = [
  ['a second admin', `insert into users (username, type) values ('eve', 'admin')`, /user 0 \(admin\) cannot own/],
  ['a user who owns himself', `update users set owner_id = 5 where id = 5`, /user 5 \(user\) cannot own user 5/],
  ['a user owned by a user', `insert into users (username, owner_id) values ('eve', 5)`, /user 5 \(user\) cannot own/],
  ['a reseller below a reseller', `insert into users (username, type, owner_id) values ('eve', 'reseller', 2)`, /user 2 \(reseller\) cannot own/],
  ['an owner who becomes a user', `update users set type = 'user' where id = 2`, /owns accounts/],
  ['an owner who is not there', `insert into users (username, owner_id) values ('eve', 77)`, /foreign key/],
  ['an unlimited prepaid credit', `update users set credit = null where id = 5`, /only_postpaid_credit_is_unlimited/],
  ['a credit below 0', `update users set credit = -1 where id = 5`, /credit/],
  ['an absurd balance', `update users set balance = 1e12 where id = 5`, /money_amount/],
  ['a balance that is not a number', `update users set balance = 'NaN' where id = 5`, /money_amount/],
  ['limits of both kinds', `update users set combined_limit = 2, inbound_limit = 1 where id = 5`, /combined_limit_excludes/],
  ['a limit below 0', `update users set outbound_limit = -1 where id = 5`, /call_limit/],
  ['an accountant of a reseller', `insert into users (username, type, owner_id) values ('eve', 'accountant', 2)`, /accountant_is_the_admins/],
  ['a user owned by an accountant', `insert into users (id, username, type) values (90, 'ann', 'accountant'); insert into users (username, owner_id) values ('eve', 90)`, /user 90 \(accountant\) cannot own/],
  ['a responsible accountant who is none', `update users set accountant_id = 2 where id = 5`, /responsible_accountant_is_an_accountant/],
  ['an accountant who becomes a user while he is responsible', `insert into users (id, username, type) values (91, 'ann', 'accountant'); update users set accountant_id = 91 where id = 5; update users set type = 'user' where id = 91`, /responsible_accountant_is_an_accountant/],
  ['a language with a slash', `update users set language = '../en' where id = 5`, /language_is_one_of_asterisk/],
  ['a prompt outside of the sounds', `update users set warning_prompt = 'a/../../secret' where id = 5`, /prompt_is_a_file/],
  ['playing nothing before every call', `update users set play_before_every_call = true where id = 5`, /playing_needs_a_prompt/],
  ['a warning at the 24th hour', `update users set warning_hour = 24 where id = 5`, /warning_hour/],
  ['a warning every week', `update users set warning_mode = 'weekly' where id = 5`, /warning_mode/],
  ['a webhook to a file', `update users set warning_webhook = 'file:///etc/passwd' where id = 5`, /webhook_is_http/],
  ['a webhook with a line break', `update users set warning_webhook = E'http://a\nb' where id = 5`, /webhook_is_http/],
  ['an address with a line break', `update users set warning_email = E'a@example.com\nBcc: b@example.com' where id = 5`, /email_list/],
  ['addresses apart by commas', `update users set warning_email = 'a@example.com, b@example.com' where id = 5`, /email_list/],
  ['a list without a pool', `update users set source_list_mode = 'blacklist' where id = 5`, /source_list_needs_a_pool/],
  ['a time zone of nowhere', `update users set time_zone = 'Mars/Phobos' where id = 5`, /time_zone/],
  ['a currency nobody knows', `update users set currency = 'XXX' where id = 5`, /foreign key/],
  ['a provider tariff on a user', `update users set tariff_id = 1 where id = 5`, /tariff 1 is a provider tariff, not user_wholesale or user_retail/],
  ['a user tariff on a provider', `update providers set tariff_id = 2 where id = 3`, /not provider/],
  ['two users of one name', `insert into users (username) values ('alice')`, /unique/],
  ['a user name with a line break', `insert into users (username) values (E'al\\nice')`, /username/],
  ['an injected endpoint', `insert into devices (user_id, endpoint, secret) values (5, 'a]b', 'x')`, /endpoint/],
  ['a device named as a provider', `insert into devices (user_id, endpoint, secret) values (5, 'provider-3', 'x')`, /endpoint/],
  ['a device without a password', `insert into devices (user_id, endpoint) values (5, 'bob')`, /needs_a_password/],
  ['a secret with a line break', `update devices set secret = E'x\\ny' where id = 7`, /secret/],
  ['an IP device without an IP', `insert into devices (user_id, endpoint, auth) values (5, 'bob', 'ip')`, /ip_device_needs_an_ip/],
  ['a caller name with quotes', `update devices set caller_id_name = 'A"B' where id = 7`, /caller_id_name/],
  ['a rate below 0', `insert into rates (tariff_id, prefix, rate) values (2, '371', -1)`, /only rates of DIDs/],
  ['a prefix with letters', `insert into rates (tariff_id, prefix, rate) values (2, '37x', 1)`, /prefix/],
  ['two rates for one prefix and date', `insert into rates (tariff_id, prefix, rate) values (2, '370', 1)`, /unique/],
  ['an increment of 0', `update rates set increment_s = 0 where tariff_id = 2`, /increment/],
  ['a price of a million', `insert into rates (tariff_id, prefix, rate) values (2, '371', 1000000)`, /rate/],
  ['rates of prefixes in a retail tariff', `insert into rates (tariff_id, prefix, rate) values (4, '371', 1)`, /retail tariff holds rates of destination groups/],
  ['a tariff whose purpose changes under its rates', `update tariffs set purpose = 'provider' where id = 2`, /its purpose stays/],
  ['a DID that begins with a letter', `insert into dids (did, provider_id) values ('A370', 3)`, /did/],
  ['a wildcard in the middle', `insert into dids (did, provider_id) values ('370*1', 3)`, /did/],
  ['an active DID of nobody', `insert into dids (did, provider_id, status) values ('3701', 3, 'active')`, /reserved_or_active_did_needs_a_user/],
  ['a free DID of somebody', `insert into dids (did, provider_id, user_id) values ('3701', 3, 5)`, /free_did_has_no_user/],
  ['a DID with a device and a target outside', `update dids set external = 'SIP/100@sip.example.com' where id = 9`, /device_or_external/],
  ['a target outside that is no SIP address', `update dids set device_id = null, external = 'SIP/1 00@x' where id = 9`, /external/],
  ['a DID on the device of another', `update dids set user_id = 2 where id = 9`, /device_belongs_to_the_user/],
  ['further devices of a DID without a first one', `update dids set device_id = null where id = 9; insert into did_devices (did_id, device_id, position) values (9, 7, 2)`, /has no first device/],
  ['a device twice in a DID', `insert into did_devices (did_id, device_id, position) values (9, 7, 2)`, /is the first one of DID 9 already/],
  ['a further device of another user', `insert into devices (id, user_id, endpoint, secret) values (70, 2, 'ritas', 'x'); insert into did_devices (did_id, device_id, position) values (9, 70, 2)`, /further_device_belongs_to_the_user/],
  ['an eleventh device', `insert into devices (id, user_id, endpoint, secret) values (71, 5, 'eleventh', 'x'); insert into did_devices (did_id, device_id, position) values (9, 71, 11)`, /ten_devices_at_most/],
  ['a further device before the first one', `insert into devices (id, user_id, endpoint, secret) values (71, 5, 'second', 'x'); insert into did_devices (did_id, device_id, position) values (9, 71, 1)`, /ten_devices_at_most/],
  ['a ring of no kind', `update dids set ring = 'loudly' where id = 9`, /ring/],
  ['a DID active from after till', `update dids set active_from = '2026-02-01', active_till = '2026-01-01'`, /active_from_is_before/],
  ['one DID twice', `insert into dids (did, provider_id) values ('37088888*', 3)`, /unique/],
  ['an LCR with a provider that is not there', `insert into lcr_providers (lcr_id, provider_id) values (1, 77)`, /foreign key/],
  ['an end that is neither cause nor status', `update providers set go_on_codes = '{200}'`, /end_codes/],
  ['an end of nothing', `update providers set stop_codes = '{null}'`, /end_codes/],
  ['an end that goes on and stops', `update providers set stop_codes = '{1,404}', go_on_codes = '{404}'`, /code_goes_on_or_stops_not_both/],
  ['a margin below 0', `update lcrs set minimal_rate_margin_percent = -1`, /minimal_rate_margin_percent/],
  ['a destination that is a prefix and a name', `insert into lcr_destinations (lcr_id, prefix, name_pattern, to_lcr_id) values (1, '370', 'L%', 1)`, /destination_is_a_prefix_or_a_name_or_a_group/],
  ['a destination that is nothing', `insert into lcr_destinations (lcr_id, to_lcr_id) values (1, 1)`, /destination_is_a_prefix_or_a_name_or_a_group/],
  ['a destination of no group', `insert into lcr_destinations (lcr_id, group_name, to_lcr_id) values (1, 'Moon', 1)`, /foreign key/],
  ['a prefix of a destination with letters', `insert into lcr_destinations (lcr_id, prefix, to_lcr_id) values (1, '37x', 1)`, /prefix/],
  ['more than the whole', `update lcr_providers set percent = 101`, /percent/],
  ['% in the middle of a pool number', `insert into numbers (pool_id, number) values (1, '37%0')`, /number/],
  ['a rule that changes nothing', `insert into location_rules (location_id, name) values (1, 'x')`, /rule_changes_nothing/],
  ['a rule for the destination that asks for the source', `insert into location_rules (location_id, name, cut, source_cut) values (1, 'x', '8', '9')`, /only_a_combined_rule_has_a_source_part/],
  ['a combined rule with a source from long to short', `insert into location_rules (location_id, name, applies, cut, source_min_length, source_max_length) values (1, 'x', 'combined', '8', 9, 3)`, /source_min_length_above/],
  ['a rule that sends to a wildcard', `insert into location_rules (location_id, name, did_id) values (1, 'x', 9)`, /DID 37088888\* is a wildcard/],
  ['a suffix for the caller', `insert into provider_rules (provider_id, name, applies, cut, suffix) values (3, 'x', 'source', '8', '9')`, /only_a_destination_has_a_suffix/],
  ['a device rule that changes nothing', `insert into device_rules (device_id, name) values (7, 'x')`, /rule_changes_nothing/],
  ['a device rule that switches the LCR', `insert into device_rules (device_id, name, applies, cut) values (7, 'x', 'combined', '1')`, /applies/],
  ['a rule from long to short', `insert into location_rules (location_id, name, cut, min_length, max_length) values (1, 'x', '8', 9, 3)`, /min_length_above/],
  ['a world without the Global location', `delete from locations where id = 1`, /Global/],
  ['a world without a pool of banned CallerIDs', `delete from number_pools where id = 0`, /banned CallerIDs/],
  ['banned CallerIDs under another id', `update number_pools set id = 9 where id = 0`, /banned CallerIDs/],
  ['valid CallerIDs without others in their place', `update devices set valid_caller_ids_pool_id = 1 where id = 7`, /valid_caller_ids_need_a_replacement_pool/],
  ['two pools for one CallerID', `update devices set caller_id_pool_id = 1, valid_caller_ids_pool_id = 1, replacement_pool_id = 1 where id = 7`, /one_pool_of_caller_ids_or_the_other/],
  ['a ban at the first call', `update devices set ban_at_calls = 1 where id = 7`, /ban_needs_two_calls/],
  ['two numbers of a pool that compare equal', `insert into numbers (pool_id, number) values (1, 'anonymous'), (1, 'Anonymous')`, /numbers_pkey/],
  ['a default currency worth 2', `update currencies set exchange_rate = 2 where code = 'USD'`, /check/],
  ['a second default currency', `insert into currencies (code, exchange_rate, is_default) values ('EUR', 1, true)`, /unique/],
  ['a call that ended before it began to be billed', `insert into calls (uniqueid, attempt, calldate, final, end_time, direction, server_id, disposition, hangup_cause, duration_ms, bill_ms, billsec, terminated_by, end_source)
    values ('x', 1, now(), true, now(), 'outbound', 1, 'ANSWERED', 16, 0, -1, 0, 'system', 'event')`, /bill_ms/],
];

t.test('impossible rows stay out, each with its reason', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  for (const [what, sql, reason] of IMPOSSIBLE) await t.rejects(client.query(sql), reason, what);
});

t.test('a terminated DID lets its number be bought again', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  await client.query(`update dids set status = 'closed' where id = 9`);
  await client.query(`update dids set status = 'terminated' where id = 9`);
  await client.query(`insert into dids (did, provider_id) values ('37088888*', 3)`);
  const { rows } = await client.query(`select status, status_since > now() - interval '1 minute' as now from dids order by status`);
  t.strictSame(rows, [{ status: 'free', now: true }, { status: 'terminated', now: true }]);
});

t.test('calls fall into the partition of their month, those of no month into the default one', async (t) => {
  const client = await connect(await freshDatabase());
  const insert = `insert into calls (uniqueid, attempt, calldate, final, end_time, direction, server_id, disposition, hangup_cause, duration_ms, bill_ms, billsec, terminated_by, end_source)
    values ($1, 1, $2, true, $2, 'outbound', 1, 'ANSWERED', 16, 0, 0, 0, 'system', 'event')`;
  await client.query(insert, ['early', '2020-02-29T23:59:59.999Z']);
  t.match((await client.query(`select tableoid::regclass::text as part from calls`)).rows, [{ part: 'calls_default' }]);
  t.match((await client.query(`select make_call_partition('2020-02-29') as made, make_call_partition('2020-02-01') as again`)).rows, [{ made: true, again: false }]);
  await client.query(insert, ['next', '2020-03-01T00:00:00Z']);
  t.match((await client.query(`select uniqueid, tableoid::regclass::text as part from calls order by calldate`)).rows,
    [{ uniqueid: 'early', part: 'calls_2020_02' }, { uniqueid: 'next', part: 'calls_default' }], 'rows that waited moved in');
  await t.rejects(client.query(insert, ['early', '2020-02-29T23:59:59.999Z']), /unique/);
});
